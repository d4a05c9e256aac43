"""``lamina evaluate``: how good a model is on rows with known answers."""

from __future__ import annotations

import typer

from lamina.cli.options import Data, Json, ModelFile, source

NAME = "evaluate"


def evaluate(model: ModelFile, data: Data, json: Json = False) -> None:
    """Score MODEL on DATA, with intervals, beside honest baselines."""
    from lamina.model import load
    from lamina.predictions.summary import score_lines
    from lamina.records import to_json

    evaluation = load(model).evaluate(source(data))
    typer.echo(to_json(evaluation) if json else "\n".join(score_lines(evaluation)))
