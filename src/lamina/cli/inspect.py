"""``lamina inspect``: the layers of a network, and the way of one row through them."""

from __future__ import annotations

from typing import Annotated

import typer

from lamina.cli.options import Json, ModelFile, open_model
from lamina.errors import UsageError

NAME = "inspect"


def inspect(
    model: ModelFile,
    row: Annotated[
        str | None,
        typer.Option(
            "--row",
            help="FILE:N, the way of row N (from 0) from raw value to answer.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show the layers, neurons and weights of MODEL; with --row, what one row makes of them."""
    from lamina.records import to_json

    loaded = open_model(model)
    if row is None:
        shown: object = loaded.layers() if json else f"{loaded}\n\n{loaded.inspect()}"
    else:
        path, colon, number = row.rpartition(":")
        if not colon or not number.isdigit():
            raise UsageError(f"--row {row!r} is not FILE:N.", "Write, for example, --row new.csv:0.")
        shown = loaded.trace(path, int(number)) if json else loaded.inspect(path, row=int(number))
    typer.echo(to_json(shown) if json else shown)
