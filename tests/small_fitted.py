"""Networks of any kind and answer with random weights, as if they were fitted."""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl
import torch

from lamina.catalog import KINDS
from lamina.checks.made import MAKERS, ROWS, SPECS, made_answers
from lamina.features.features import Features
from lamina.features.targets.several import fit_target
from lamina.network.architecture import Architecture
from lamina.network.inputs.base import Situation, layer_class
from lamina.network.network import build
from lamina.records import Field, Schema
from lamina.settings import Settings
from lamina.tasks import Predict
from lamina.training.fitted import Fitted


def fitted_on(
    kind: str, *, answer: str = "classes", hidden: tuple[int, ...] = (24, 16), members: int = 3
) -> tuple[Fitted, pl.DataFrame, pl.DataFrame]:
    """A network with random weights that reads columns of this kind, its rows, and others with new values."""
    frame, other = MAKERS[kind](0, False), MAKERS[kind](1, True)
    form = {"order": "typed"} if kind == "date" else {}
    fields = [Field(name=name, kind=kind, role="input", why="", form=form) for name in frame.columns]
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
