"""``lamina add``: a model → a version of a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lamina.cli.options import Json, Note, StorePlace, Who

NAME = "add"


def add(
    store: StorePlace,
    model: Annotated[Path, typer.Argument(help="A model file (.lamina).", show_default=False)],
    data: Annotated[
        Path | None,
        typer.Option(
            help="The rows it was trained on: the store learns from them again.", show_default=False
        ),
    ] = None,
    id: Annotated[
        str | None,
        typer.Option("--id", help="The column with the rows' ids, from now on.", show_default=False),
    ] = None,
    champion: Annotated[
        bool, typer.Option("--champion/--no-champion", help="Let it take over at once.")
    ] = True,
    log: Annotated[
        str | None,
        typer.Option(
            "--log",
            help="For a new store: keep the log on a PostgreSQL server, postgresql://user@host/database.",
            show_default=False,
        ),
    ] = None,
    note: Note = "",
    who: Who = None,
    json: Json = False,
) -> None:
    """Put MODEL into STORE, which is made if it is not there. `lamina fit --store` does both at once."""
    from lamina.records import to_json
    from lamina.stores import Store

    place = Store(store, log=log, who=who)
    version = place.add(model, data, id=id, note=note, champion=champion)
    if json:
        typer.echo(to_json({"store": str(store), "version": version, "champion": place.version}))
    else:
        typer.echo(f"Version {version} of {store}; the champion is version {place.version}.")
