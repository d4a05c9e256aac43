"""``lamina feedback``: what really happened."""

from __future__ import annotations

import typer

from lamina.cli.options import Data, Id, Json, StorePlace, Who, source

NAME = "feedback"


def feedback(store: StorePlace, data: Data, id: Id = None, who: Who = None, json: Json = False) -> None:
    """Join DATA, rows with an id and what really happened, to the answers that STORE has logged.

    The same rows twice change nothing; other answers correct those before. See `lamina live`.
    """
    from lamina.records import to_json
    from lamina.stores import Store

    told = Store(store, who=who).feedback(source(data), id=id)
    if json:
        typer.echo(to_json(told))
        return
    typer.echo(
        f"{told.rows:,} answers: {told.joined:,} predictions have theirs now, {told.corrected:,} corrected, "
        f"{told.repeated:,} known before, {told.unknown:,} without a logged prediction"
        + (f", {told.unreadable:,} cells could not be read." if told.unreadable else ".")
    )
