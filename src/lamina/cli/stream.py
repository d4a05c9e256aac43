"""``lamina stream``: rows in their order, each answered and then learnt."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lamina.cli.options import Data, Json, ModelFile, open_model, source

NAME = "stream"


def stream(
    model: ModelFile,
    data: Data,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Where to write the answers: csv, parquet, …", show_default=False
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(help="Where to write the network as it is at the end (.lamina).", show_default=False),
    ] = None,
    delay: Annotated[int, typer.Option(help="How many rows later an answer is known.")] = 0,
    batch: Annotated[int, typer.Option(help="Rows that are learnt in one go.")] = 8,
    memory: Annotated[int, typer.Option(help="How many of the last rows may be learnt again.")] = 1000,
    rate: Annotated[float, typer.Option(help="Of the learning rate of the first training.")] = 0.3,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    json: Json = False,
) -> None:
    """Answer the rows of DATA in their order with MODEL, and learn each one once its answer is known.

    Says how good the answers were over time, beside the same answer as the last known one and beside the
    network if it had not learnt; `lamina evaluate --stream` does the same. MODEL itself stays as it is.
    """
    from lamina.data.write import ending_of, write
    from lamina.files import check_place
    from lamina.records import to_json
    from lamina.streams import Stream

    if output is not None:  # said now, not after all the work
        ending_of(output)
        check_place(output)
    if save is not None:
        check_place(save)
    running = Stream(open_model(model), delay=delay, batch=batch, memory=memory, rate=rate, seed=seed)
    found = running.run(source(data))
    if save is not None:
        running.model.save(save)
    if output is not None:
        write(found.answers, output)
    told = {
        "rows": found.answers.height,
        "measure": found.measure,
        "scores": found.scores,
        "alarms": found.alarms,
        "over_time": found.over_time().to_dicts(),
    }
    typer.echo(to_json(told) if json else str(found))
