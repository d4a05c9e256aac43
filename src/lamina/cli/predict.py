"""``lamina predict``: answers for new rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamina.cli.options import Engine, Id, Json, Log, ModelFile, answering, open_model

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.outputs import Output
    from lamina.predictions.batch import Batch

NAME = "predict"


def predict(
    model: ModelFile,
    data: Annotated[
        list[str],
        typer.Argument(
            help="A table, several tables, a folder, an archive, or a table of a database: "
            "sqlite:///FILE#TABLE, postgresql://USER@HOST/DATABASE#TABLE.",
            show_default=False,
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="csv, tsv, parquet, ndjson, json, arrow or xlsx, or a new table of a database; else CSV to "
            "the terminal.",
            show_default=False,
        ),
    ] = None,
    query: Annotated[
        str | None,
        typer.Option(help="Of a database: the rows that this SELECT gives.", show_default=False),
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
    """Answer every row of DATA with MODEL, a model file or a store.

    Large tables are answered in parts, in bounded memory; started again after an interruption, the same
    command goes on where it was."""
    from lamina.cli.sources import identity, known_by, opened
    from lamina.data.outputs import output_of
    from lamina.data.write import write
    from lamina.predictions.batch import Batch, rows_in_part

    place = None if output is None else output_of(output)
    if place is not None:  # said now, not after all the work
        place.check()
    asked: dict[str, Any] = {"probabilities": probabilities, "coverage": coverage}
    with opened(data, query, place) as table:
        if place is not None and not log and place.in_parts:
            known, loaded = known_by(model), open_model(model, engine)
            if table.large or len(table) > rows_in_part(loaded.fitted, table):
                work = {
                    "model": known,
                    "engine": loaded.fitted.engine.kind,
                    "rows": identity(table),
                    "only_answers": only_answers,
                }
                shaped = _answers_alone if only_answers else beside
                _put_in_parts(Batch(loaded.fitted, table, place.beside("job"), work, shaped, **asked), place)
                return
        more: dict[str, Any] = {"log": True, "id": id} if log else {}
        answers = answering(model, log=log, engine=engine).predict(table, **asked, **more)
        told = answers if only_answers else beside(table.frame, answers)
    if place is None:
        write(told, None, json=json)
        return
    place.put(iter([told]))
    typer.echo(f"Answered {answers.height:,} rows: {place.shown}", err=True)


def _put_in_parts(batch: Batch, place: Output) -> None:
    from lamina.warned import warn_of

    rows = batch.run(place.put)
    warn_of(batch.findings)
    if batch.found:
        done = min(batch.found * batch.rows, rows)
        typer.echo(f"Went on after {done:,} rows, which an earlier run had answered.", err=True)
    typer.echo(f"Answered {rows:,} rows: {place.shown}", err=True)


def _answers_alone(rows: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    return answers


def beside(inputs: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """The input columns that a text file can hold, then the answers."""
    import polars as pl

    plain = [s for s in inputs if not s.dtype.is_nested() and s.dtype != pl.Binary]
    taken = set(answers.columns)
    return pl.DataFrame([*(s for s in plain if s.name not in taken), *answers.get_columns()])
