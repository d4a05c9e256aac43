"""``lamina memory``: what a store keeps to learn from again, and its limits."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from lamina.cli.options import Json, StorePlace, Who

NAME = "memory"


def memory(
    store: StorePlace,
    learn: Annotated[
        int | None, typer.Option(help="Rows to learn from again, at most.", show_default=False)
    ] = None,
    judge: Annotated[int | None, typer.Option(help="Rows to judge on, at most.", show_default=False)] = None,
    oldest: Annotated[
        float | None, typer.Option(help="Days after which a row leaves.", show_default=False)
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(help="A column whose cells are not kept; again for several.", show_default=False),
    ] = None,
    mode: Annotated[
        Literal["rows", "features", "none"] | None,
        typer.Option(
            help="Keep rows; no cell of them, only what the network reads; or nothing.", show_default=False
        ),
    ] = None,
    id: Annotated[
        str | None,
        typer.Option("--id", help="The column with the rows' ids, from now on.", show_default=False),
    ] = None,
    who: Who = None,
    json: Json = False,
) -> None:
    """Show what STORE keeps to learn from again; with options, set what it may keep."""
    from lamina.records import to_json
    from lamina.stores import Store

    place = Store(store, who=who)
    said: dict[str, Any] = {"learn": learn, "judge": judge, "oldest": oldest, "mode": mode}
    limits = {name: value for name, value in said.items() if value is not None}
    if without is not None:
        limits["without"] = tuple(without)
    if limits or id is not None:
        place.set(id=id, **limits)
    told = place.memory
    if json:
        typer.echo(to_json(told))
        return
    typer.echo(
        f"{told.learn:,} rows to learn from and {told.judge:,} to judge on, {told.bytes / 1e6:.1f} MB, "
        f"from {told.oldest or '-'} to {told.newest or '-'} (UTC)."
    )
    if told.aside:
        typer.echo(
            f"{told.aside:,} more are put aside, as a changed relation was followed; `lamina rollback` to a "
            "version before it brings them back."
        )
    typer.echo(f"Columns: {', '.join(told.columns) or 'none'}")
    typer.echo(
        "Limits: " + ", ".join(f"{n}={getattr(told.limits, n)!r}" for n in told.limits.__struct_fields__)
    )
