"""``lamina similar``: rows that the network finds like a row, to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lamina.cli.options import Data, Json, ModelFile, open_model, source

NAME = "similar"


def similar(
    model: ModelFile,
    data: Data,
    among: Annotated[
        list[Path],
        typer.Option("--among", help="The rows to search, such as the training table.", show_default=False),
    ],
    row: Annotated[
        list[int] | None,
        typer.Option("--row", help="A row of DATA, from 0; again for several; else all.", show_default=False),
    ] = None,
    count: Annotated[int, typer.Option(help="How many alike rows for each.")] = 5,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="csv, parquet, xlsx, …; else CSV to the terminal.", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """For rows of DATA the most alike rows, by what MODEL sees in them."""
    import polars.selectors as cs

    from lamina.data.read import read
    from lamina.data.write import ending_of, write
    from lamina.files import check_place

    if output is not None:  # said now, not after all the work
        ending_of(output)
        check_place(output)
    table = read(source(data))
    found = open_model(model).similar(table, among=source(among), count=count, rows=row)
    write(found.select(~(cs.nested() | cs.binary())), output, json=json)  # what a text file can hold
    if output is not None:
        typer.echo(f"Alike rows: {output}", err=True)
