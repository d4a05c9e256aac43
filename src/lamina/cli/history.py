"""``lamina history``: the life of a network as a table and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    """A line per event, and below it the reason, as wide as the terminal."""
    from textwrap import wrap

    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    head = f"{'':>4}  {'when (UTC)':<16}  {'outcome':<11}  {'champion':>8}  {'rows':>9}  score on new rows"
    console.print(Text(head, style="bold"), soft_wrap=True)
    for row in told.iter_rows(named=True):
        rows = f"{row['rows']:,}" if row["rows"] else ""
        line = Text(f"{row['event']:>4}  {row['at']:%Y-%m-%d %H:%M}  ")
        line.append(f"{row['outcome']:<11}  ", style=COLOURS.get(row["outcome"], ""))
        line.append(f"{row['champion'] or '':>8}  {rows:>9}  {_scores(row)}")
        console.print(line, soft_wrap=True)
        reason = " · ".join(str(row[name]) for name in ("source", "who", "why", "note") if row[name])
        for part in wrap(reason, max(console.width - 6, 40)):
            console.print(Text(f"      {part}", style="dim"), soft_wrap=True)


def _scores(row: dict[str, Any]) -> str:
    """``log_loss 0.31 → 0.28``: the champion's, then the candidate's."""
    champion, candidate = row["champion_on_new"], row["candidate_on_new"]
    if champion is None or candidate is None:
        return ""
    return f"{row['metric']} {champion:.4g} → {candidate:.4g}"
