"""Growth moves nothing: scores of old classes for old values are the same to the last bit, for every kind."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch

from lamina.catalog import ANSWERS, KINDS
from lamina.checks.made import MAKERS
from lamina.learning.grow import grow
from lamina.network.answered import answered
from lamina.records import Field
from lamina.training.fitted import Fitted
from small_fitted import fitted_on

NEW_FIELDS = (
    Field(name="new number", kind="number", role="input", why=""),
    Field(name="new word", kind="category", role="input", why=""),
    Field(name="new flag", kind="flag", role="input", why=""),
)


def scores(fitted: Fitted, frame: pl.DataFrame) -> torch.Tensor:
    arrays = fitted.features.transform(frame)
    return fitted.network.scores({name: torch.from_numpy(np.array(each)) for name, each in arrays.items()})


def with_new_columns(frame: pl.DataFrame) -> pl.DataFrame:
    rng = np.random.default_rng(5)
    return frame.with_columns(
        pl.Series("new number", rng.normal(size=frame.height)),
        pl.Series("new word", rng.choice(["a", "b"], frame.height)),
        pl.Series("new flag", rng.random(frame.height) < 0.5),
    )


@pytest.mark.parametrize("kind", [name for name in KINDS if name in MAKERS])
@pytest.mark.parametrize("hidden", [(24, 16), ()], ids=["hidden", "linear"])
def test_growth_moves_no_score_of_any_kind(kind: str, hidden: tuple[int, ...]) -> None:
    fitted, frame, other = fitted_on(kind, hidden=hidden)
    before = scores(fitted, frame)
    more = with_new_columns(other)
    grown, what = grow(fitted, more, NEW_FIELDS)
    after = scores(grown, with_new_columns(frame))
    old = fitted.target.scores
    assert float((after[..., :old] - before).abs().max()) == 0.0
    assert "class" in {each.what for each in what}
    assert torch.equal(scores(fitted, frame), before)  # the champion is as it was
    shares = grown.network.output.decode(after)
    assert not shares[:, old:].any()
    torch.testing.assert_close(shares[:, :old], fitted.network.output.decode(before), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("answer", [n for n, each in ANSWERS.items() if each.kind not in ("image", "text")])
def test_growth_moves_no_score_of_any_answer(answer: str) -> None:
    fitted, frame, other = fitted_on("category", answer=answer)
    before = scores(fitted, frame)
    grown, _ = grow(fitted, with_new_columns(other), NEW_FIELDS)
    after = scores(grown, with_new_columns(frame))
    places = old_places(fitted, grown)
    assert float((after[..., places] - before).abs().max()) == 0.0


@pytest.mark.parametrize("kind", ["number", "date"])
def test_values_beyond_the_knots_get_knots_and_move_no_score(kind: str) -> None:
    fitted, frame, other = fitted_on(kind)
    before = scores(fitted, frame)
    far = pl.concat([further(other), further(other, -1)])
    grown, _ = grow(fitted, far)
    knots, more = (sum(map(len, next(iter(each.features)).knots)) for each in (fitted, grown))
    assert more > knots
    assert float((scores(grown, frame)[..., : fitted.target.scores] - before).abs().max()) == 0.0


def further(frame: pl.DataFrame, sign: int = 1) -> pl.DataFrame:
    """The rows with all numbers ten thousand larger, all dates a year later."""
    return frame.with_columns(
        pl.selectors.numeric() + 10_000 * sign, pl.selectors.temporal() + pl.duration(days=365 * sign)
    )


def old_places(fitted: Fitted, grown: Fitted) -> list[int]:
    """Where the old scores stand among the new ones."""
    parts = getattr(fitted.target, "parts", (fitted.target,))
    others = getattr(grown.target, "parts", (grown.target,))
    places, start = [], 0
    for old, new in zip(parts, others, strict=True):
        places += range(start, start + old.scores)
        start += new.scores
    return places


def test_waking_moves_old_scores_by_rounding_at_most() -> None:
    fitted, frame, other = fitted_on("number")
    before = scores(fitted, frame)
    grown, _ = grow(fitted, with_new_columns(other), NEW_FIELDS)
    grown.network.wake()
    after = scores(grown, with_new_columns(frame))
    torch.testing.assert_close(after[..., : fitted.target.scores], before)
    assert answered(grown.network, grown.features.transform(with_new_columns(frame))).decoded[:, -1].any()
