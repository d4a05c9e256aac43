"""``lamina live``: how good the answers given really were."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from lamina.cli.options import Json, StorePlace

NAME = "live"


def live(
    store: StorePlace,
    every: Annotated[
        Literal["hour", "day", "week", "month", "year"], typer.Option(help="A row per so much time.")
    ] = "month",
    target: Annotated[
        str | None, typer.Option("--target", "-t", help="Of several targets, which.", show_default=False)
    ] = None,
    by_version: Annotated[bool, typer.Option("--by-version", help="A row per version, too.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="csv, parquet, xlsx, …; else CSV to the terminal.", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Accuracy, calibration and money of the answers that STORE logged, estimated until the truth is
    known."""
    from lamina.data.write import ending_of, write
    from lamina.files import check_place
    from lamina.stores import Store

    if output is not None:
        ending_of(output)
        check_place(output)
    write(Store(store).live(every=every, target=target, by_version=by_version), output, json=json)
