"""Growth moves nothing: scores of old classes for old values are the same to the last bit, for every kind."""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl
import pytest
import torch

from lamina.catalog import ANSWERS, KINDS
from lamina.checks.made import MAKERS, ROWS, SPECS, made_answers
from lamina.features.features import Features
from lamina.features.targets.several import fit_target
from lamina.learning.grow import grow
from lamina.network.answered import answered
from lamina.network.architecture import Architecture
from lamina.network.inputs.base import Situation, layer_class
from lamina.network.network import build
from lamina.records import Field, Schema
from lamina.settings import Settings
from lamina.tasks import Predict
from lamina.training.fitted import Fitted

NEW_FIELDS = (
    Field(name="new number", kind="number", role="input", why=""),
    Field(name="new word", kind="category", role="input", why=""),
    Field(name="new flag", kind="flag", role="input", why=""),
)


def fitted_on(
    kind: str, *, answer: str = "classes", hidden: tuple[int, ...] = (24, 16), members: int = 3
) -> tuple[Fitted, pl.DataFrame, pl.DataFrame]:
    """A network with random weights that reads columns of this kind, its rows, and others with new values."""
    frame, other = MAKERS[kind](0, False), MAKERS[kind](1, True)
    fields = [Field(name=name, kind=kind, role="input", why="") for name in frame.columns]
    if not KINDS[kind].together:
        block = frame.columns[0]
        fields = [msgspec.structs.replace(f, form={"block": block, "place": i}) for i, f in enumerate(fields)]
    made, schema = made_answers(answer)
    targets = schema.with_role("target")
    names = [each.name for each in targets]
    frame = pl.concat([frame, made.select(names)[:ROWS]], how="horizontal")
    other = pl.concat([other, made.select(names)[:ROWS]], how="horizontal")
    if answer == "classes":
        other = other.with_columns(pl.lit("never seen").alias(names[0]))
    schema = Schema((*fields, *targets))
    features, target = Features.fit(frame, schema), fit_target(frame, schema)
    situation = Situation(rows=ROWS, members=1 if hidden else members)
    specs = {f.name: {**layer_class(f).choose(f, situation), **SPECS.get(kind, {})} for f in features}
    architecture = Architecture(
        inputs=specs, hidden=hidden, activation="relu", members=members, output=target.answer,
        scores=target.scores, answer=target.spec(),
    )  # fmt: skip
    network = build(architecture, features, 0)
    arrays = {name: torch.from_numpy(np.array(each)) for name, each in features.transform(frame).items()}
    network.prepare(arrays)
    with torch.no_grad():
        for weights in network.output.parameters():
            weights.normal_()
    network.settle()
    network.eval()
    task = Predict(names[0] if len(names) == 1 else tuple(names))
    return Fitted(task, schema, features, target, network, Settings(), target.metrics[0]), frame, other


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
