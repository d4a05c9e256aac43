"""``lamina rollback``: the version before, at once."""

from __future__ import annotations

from typing import Annotated

import typer

from lamina.cli.options import Json, Note, StorePlace, Who

NAME = "rollback"


def rollback(
    store: StorePlace,
    to: Annotated[
        str | None,
        typer.Option(
            help="A version by its number, or 'candidate' (default: the one before).", show_default=False
        ),
    ] = None,
    note: Note = "",
    who: Who = None,
    json: Json = False,
) -> None:
    """Let an earlier version of STORE be the champion again; also goes forward. Nothing is deleted."""
    from lamina.records import to_json
    from lamina.stores import Store

    place = Store(store, who=who)
    before = place.version
    version = place.rollback(to, note=note)
    if json:
        typer.echo(to_json({"store": str(store), "before": before, "version": version}))
    else:
        typer.echo(f"The champion of {store} is version {version}; it was version {before}.")
