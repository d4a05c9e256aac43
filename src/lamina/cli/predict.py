"""``lamina predict``: answers for new rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamina.cli.options import Data, Engine, Id, Json, Log, ModelFile, answering, open_model, source

if TYPE_CHECKING:
    import polars as pl

NAME = "predict"


def predict(
    model: ModelFile,
    data: Data,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="csv, tsv, parquet, ndjson, json, arrow or xlsx; else CSV to the terminal.",
            show_default=False,
        ),
    ] = None,
    only_answers: Annotated[
        bool, typer.Option("--only-answers", help="Leave the input columns out.")
    ] = False,
    probabilities: Annotated[
        bool | None,
        typer.Option("--probabilities/--no-probabilities", help="A column per class.", show_default=False),
    ] = None,
    coverage: Annotated[
        float | None,
        typer.Option(help="How often sets and intervals are to hold, as 0.95.", show_default=False),
    ] = None,
    engine: Engine = "auto",
    log: Log = False,
    id: Id = None,
    json: Json = False,
) -> None:
    """Answer every row of DATA with MODEL, a model file or a store."""
    from lamina.data.read import read
    from lamina.data.write import IN_PARTS, ending_of, write, write_parts
    from lamina.files import check_place

    if output is not None:  # said now, not after all the work
        ending_of(output)
        check_place(output)
    table = read(source(data))
    if table.large and output is not None and ending_of(output) in IN_PARTS and not log:
        from lamina.model import warn_of
        from lamina.predictions.predict import InParts

        fitted = open_model(model, engine).fitted
        parts = InParts(fitted, table, probabilities=probabilities, coverage=coverage)
        rows = write_parts((a if only_answers else beside(part, a) for part, a in parts), output)
        warn_of(parts.findings)
        typer.echo(f"Answered {rows:,} rows: {output}", err=True)
        return
    asked: dict[str, Any] = {"log": True, "id": id} if log else {}
    answers = answering(model, log=log, engine=engine).predict(
        table, probabilities=probabilities, coverage=coverage, **asked
    )
    write(answers if only_answers else beside(table.frame, answers), output, json=json)
    if output is not None:
        typer.echo(f"Answered {answers.height:,} rows: {output}", err=True)


def beside(inputs: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """The input columns that a text file can hold, then the answers."""
    import polars as pl

    plain = [s for s in inputs if not s.dtype.is_nested() and s.dtype != pl.Binary]
    taken = set(answers.columns)
    return pl.DataFrame([*(s for s in plain if s.name not in taken), *answers.get_columns()])
