"""``lamina history``: the life of a network as a table and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lamina.cli.options import Json, StorePlace

if TYPE_CHECKING:
    import polars as pl

NAME = "history"
COLOURS = {"promoted": "green", "added": "green", "kept": "yellow", "refused": "red", "failed": "bold red"}


def history(
    store: StorePlace,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help="Draw it into this SVG file.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write it as csv, parquet, xlsx, …", show_default=False),
    ] = None,
    json: Json = False,
) -> None:
    """Show what happened to STORE: every version, promotion, refusal and rollback, with scores and
    reasons."""
    from lamina.data.write import ending_of, write
    from lamina.files import check_place, written_whole
    from lamina.stores import Store

    for place in filter(None, (picture, output)):
        check_place(place)
    if output is not None:
        ending_of(output)
    told = Store(store).history()
    if picture is not None:
        from lamina.store.picture import draw

        with written_whole(picture) as waiting:
            waiting.write_text(draw(told, str(store)), encoding="utf-8")
    if output is not None or json:
        write(told, output, json=json)
    else:
        _show(told)


def _show(told: pl.DataFrame) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name in ("", "when (UTC)", "outcome", "champion", "on new", "on old", "rows", "data, reason"):
        table.add_column(name, justify="right" if name in ("", "champion", "rows") else "left")
    for row in told.iter_rows(named=True):
        reason = " · ".join(str(row[name]) for name in ("source", "why", "note") if row[name])
        table.add_row(
            str(row["event"]),
            f"{row['at']:%Y-%m-%d %H:%M}",
            Text(row["outcome"], style=COLOURS.get(row["outcome"], "")),
            "" if row["champion"] is None else str(row["champion"]),
            _scores(row["metric"], row["champion_on_new"], row["candidate_on_new"]),
            _scores("", row["champion_on_old"], row["candidate_on_old"]),
            f"{row['rows']:,}" if row["rows"] else "",
            Text(f"{reason} ({row['who']})"),
        )
    Console(soft_wrap=False).print(table)


def _scores(metric: str, champion: float | None, candidate: float | None) -> str:
    """``log_loss 0.31 → 0.28``: the champion's, then the candidate's."""
    if champion is None or candidate is None:
        return ""
    return f"{metric} {champion:.4g} → {candidate:.4g}".strip()
