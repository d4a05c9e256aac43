"""The time limit of a whole fit: kept, and said where it is too short."""

from __future__ import annotations

import time
import warnings

import numpy as np
import polars as pl
import pytest

import lamina
from lamina.errors import LaminaWarning, TrainingError
from lamina.training.deadline import Deadline

LIMIT = 3.0  # seconds


def table(rows: int) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 6))
    y = np.where(x[:, 0] * x[:, 1] + 0.5 * rng.normal(size=rows) > 0, "yes", "no")
    return pl.DataFrame({f"x{i}": x[:, i] for i in range(6)} | {"y": y})


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> lamina.Machine:
    """Time by the work of this process: other work on the machine must not decide a test."""
    monkeypatch.setattr(time, "monotonic", time.process_time)
    return lamina.Machine(threads=1, progress=False)


def test_the_whole_fit_keeps_its_time(one_thread: lamina.Machine) -> None:
    data = table(12_000)
    lamina.fit(data[:200], "y", quality="fast", epochs=1, on=one_thread)  # what is loaded at first use
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LaminaWarning)  # on a slow machine the rows may be too many
        model = lamina.fit(data, "y", hidden=(256, 256, 256), time_limit=LIMIT, on=one_thread)
    taken = time.process_time() - began
    assert 0.6 * LIMIT < taken < 1.05 * LIMIT + 0.1
    assert "the time limit was reached" in model.fitted.stopped
    assert model.fitted.epochs[-1].rate < 1e-3, "the rate fell to zero by the clock"


def test_a_limit_that_leaves_no_time_is_an_error_with_a_remedy(one_thread: lamina.Machine) -> None:
    with pytest.raises(TrainingError, match="leaves no time to learn") as caught:
        lamina.fit(table(2000), "y", time_limit=0.01, on=one_thread)
    assert "Give a time_limit well above" in str(caught.value)


def test_what_is_left_is_the_limit_without_what_is_spent_and_reserved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    deadline = Deadline(10.0)
    now[0] = 103.0
    deadline.reserve = 2.0
    assert deadline.left == pytest.approx(5.0)
    now[0] = 108.5
    with pytest.raises(TrainingError, match=r"8\.5 s here, judging the network 2\.0 s"):
        _ = deadline.left


def test_too_little_time_for_every_row_is_said() -> None:
    deadline = Deadline(5.0)
    assert deadline.short(1000, 1000) == ()
    (finding,) = deadline.short(300, 1000)
    assert (finding.severity, finding.code) == ("warning", "time-limit")
    assert "300 of 1,000 rows" in finding.message
