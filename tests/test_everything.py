"""One table with a column of every kind: read, learnt, saved, loaded and answered by the same code."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import lamina
from small_media import clip, picture, recording

pytest.importorskip("soundfile")
ROWS = 120
WORDS = {"calm": "quiet slow steady gentle even", "wild": "loud quick broken sharp sudden"}


def table(rows: int, seed: int = 0) -> pl.DataFrame:
    """Every column tells a little of the answer, none of them all of it."""
    rng = np.random.default_rng(seed)
    wild = rng.random(rows) < 0.5

    def hint() -> np.ndarray:
        return wild ^ (rng.random(rows) < 0.25)

    def words(chosen: bool) -> str:
        return " ".join(rng.choice(WORDS["wild" if chosen else "calm"].split(), 7)) + f" {rng.integers(1000)}"

    start = datetime(2024, 1, 1)
    return pl.DataFrame(
        {
            "speed": rng.normal(hint() * 1.0, 1.0),
            "colour": np.where(hint(), "red", "blue"),
            "seen": [start + timedelta(days=int(d)) for d in rng.integers(0, 180, rows) + 180 * hint()],
            "note": [words(bool(each)) for each in hint()],
            "photo": [picture(rng, bool(each)) for each in hint()],
            "sound": [recording(rng, bool(each)) for each in hint()],
            "film": [clip(rng, bool(each)) for each in hint()],
            "tags": [["a", "b"] if each else ["b", "c"] for each in hint()],
            "levels": [rng.normal(float(each), 1, int(rng.integers(8, 12))).tolist() for each in hint()],
            "mood": np.where(wild, "wild", "calm"),
        }
    )


@pytest.fixture(scope="module")
def model() -> lamina.Model:
    return lamina.fit(table(ROWS), "mood", quality="fast", epochs=4, pretrained=False)


def test_every_column_is_an_input_of_its_kind(model: lamina.Model):
    kinds = [field.kind for field in model.schema if field.role == "input"]
    assert kinds == ["number", "category", "date", "text", "image", "audio", "video", "set", "series"]


def test_a_saved_network_gives_the_same_answers(model: lamina.Model, tmp_path: Path):
    asked = table(40, seed=1)
    answers = model.predict(asked)
    again = lamina.load(model.save(tmp_path / "all.lamina")).predict(asked)
    assert again.equals(answers)


def test_a_row_is_answered_alone_as_among_a_thousand(model: lamina.Model):
    asked = table(1000, seed=2)
    together = model.predict(asked)["probability_wild"]
    for row in range(0, 1000, 125):
        alone = model.predict(asked[row])["probability_wild"]
        assert alone[0] == pytest.approx(together[row], abs=1e-5)
    assert not together.is_null().any()
