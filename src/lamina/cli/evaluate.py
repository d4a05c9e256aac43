"""``lamina evaluate``: how good a model is on rows with known answers."""

from __future__ import annotations

from typing import Annotated

import typer

from lamina.cli.options import Data, Json, ModelFile, open_model, source
from lamina.cli.stream import stream as streamed

NAME = "evaluate"


def evaluate(
    model: ModelFile,
    data: Data,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Also judge the rows in groups of this column; again for several."),
    ] = None,
    stream: Annotated[
        bool,
        typer.Option("--stream", help="Learn each row after it was answered, as `lamina stream` does."),
    ] = False,
    json: Json = False,
) -> None:
    """Score MODEL on DATA, with intervals, beside honest baselines.

    With --stream rows are answered in their order and each is learnt afterwards: `lamina stream` does the
    same and has the settings. MODEL itself stays as it is.
    """
    if stream:
        if by:
            raise typer.BadParameter("A stream is not judged in groups.", param_hint="--by")
        streamed(model, data, json=json)
        return
    from lamina.predictions.summary import group_lines, score_lines
    from lamina.records import to_json

    evaluation = open_model(model).evaluate(source(data), by=by or ())
    lines = score_lines(evaluation) + group_lines(evaluation)
    typer.echo(to_json(evaluation) if json else "\n".join(lines))
