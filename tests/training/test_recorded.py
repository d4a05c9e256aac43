"""Steps recorded on a GPU lead where steps made one by one do. Only where there is a GPU."""

import numpy as np
import polars as pl
import pytest
import torch

import lamina
from lamina.training import loop

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.fixture
def rows() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    x, group = rng.normal(size=(2000, 3)), rng.choice(list("abc"), 2000)
    y = x[:, 0] * x[:, 1] + (group == "a") + 0.3 * rng.normal(size=2000) > 0.3
    return pl.DataFrame(
        {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "group": group, "y": np.where(y, "yes", "no")}
    )


def fitted(rows: pl.DataFrame) -> lamina.Model:
    on = lamina.Machine(device="cuda", precision="fp32", progress=False)
    return lamina.fit(rows, "y", on=on, quality="fast")


def test_recorded_steps_lead_where_others_do(rows: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = fitted(rows)
    monkeypatch.setattr(loop, "FEW", 10**9)
    usual = fitted(rows)
    ours, theirs = ([each.loss for each in model.fitted.epochs] for model in (recorded, usual))
    np.testing.assert_allclose(ours[:3], theirs[:3], rtol=1e-3)
    assert len(ours) == pytest.approx(len(theirs), abs=3)


def test_a_step_that_cannot_be_recorded_is_made_as_usual(rows: pl.DataFrame) -> None:
    on = lamina.Machine(device="cuda", progress=False)
    model = lamina.fit(rows, ["y", "c"], on=on, quality="fast")
    assert model.evaluate(rows).scores["y.accuracy"] > 0.75


def test_files_answer_alike_on_both_devices(rows: pl.DataFrame, tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "y.lamina"
    fitted(rows).save(path)
    there, here = (
        lamina.load(path, device=device).predict(rows, probabilities=True)["probability_yes"].to_numpy()
        for device in ("cuda", "cpu")
    )
    np.testing.assert_allclose(there, here, atol=1e-5)
