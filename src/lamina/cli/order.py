"""``lamina order``: how much of something to have, by what too much and too little cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lamina.cli.options import Data, Json, ModelFile, open_model, source

NAME = "order"


def order(
    model: ModelFile,
    data: Data,
    too_much: Annotated[
        str, typer.Option(help="Cost of a unit left over: a number or a formula.", show_default=False)
    ],
    too_little: Annotated[str, typer.Option(help="Cost of a unit that is missing.", show_default=False)],
    stock: Annotated[str, typer.Option(help="What is there already: a number or a formula.")] = "0",
    pack: Annotated[float, typer.Option(help="Orders are multiples of this.")] = 1.0,
    minimum: Annotated[float, typer.Option(help="The least that can be ordered, besides nothing.")] = 0.0,
    service: Annotated[
        float | None,
        typer.Option(help="Enough with this probability, whatever it costs.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="csv, parquet, xlsx, …; else CSV to the terminal.", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Say how much to order for every row of DATA, by a MODEL of quantiles (--quantiles 0.05,0.5,0.95)."""
    from lamina.cli.predict import beside
    from lamina.data.read import read
    from lamina.data.write import ending_of, write
    from lamina.files import check_place

    if output is not None:
        ending_of(output)
        check_place(output)
    rows = read(source(data))
    orders = open_model(model).order(
        rows,
        too_much=too_much,
        too_little=too_little,
        stock=stock,
        pack=pack,
        minimum=minimum,
        service=service,
    )
    write(beside(rows.frame, orders), output, json=json)
    if output is not None:
        typer.echo(f"Orders for {orders.height:,} rows: {output}", err=True)
