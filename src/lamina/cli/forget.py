"""``lamina forget``: rows leave the memory, the log and the network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lamina.cli.options import Json, Note, StorePlace, Who

NAME = "forget"


def forget(
    store: StorePlace,
    id: Annotated[
        list[str] | None,
        typer.Option("--id", help="The id of a row to forget; again for several.", show_default=False),
    ] = None,
    rows: Annotated[
        Path | None, typer.Option(help="A table with the very rows to forget.", show_default=False)
    ] = None,
    note: Note = "",
    who: Who = None,
    json: Json = False,
) -> None:
    """Forget rows of STORE: remove them everywhere, and train again without them what had learnt from
    them."""
    from lamina.records import to_json
    from lamina.stores import Store

    told = Store(store, who=who).forget(id or None, rows=rows, note=note)
    if json:
        typer.echo(to_json(told))
        return
    removed = ", ".join(map(str, told.removed)) or "none"
    typer.echo(
        f"{told.outcome}: {told.why}. {told.rows:,} rows found, {told.remembered:,} left the memory, "
        f"{told.predictions:,} predictions the log; versions removed: {removed}. "
        f"The champion is version {told.version}."
    )
