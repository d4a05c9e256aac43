"""``lamina explain``: why rows are answered as they are, and what would change an answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamina.cli.options import Data, Json, ModelFile, open_model, source
from lamina.errors import UsageError

if TYPE_CHECKING:
    from lamina.model import Model
    from lamina.predictions.explain.records import Explanation

NAME = "explain"


def explain(
    model: ModelFile,
    data: Data,
    row: Annotated[
        list[int] | None,
        typer.Option("--row", help="A row to explain, from 0; again for several.", show_default=False),
    ] = None,
    of: Annotated[
        list[str] | None,
        typer.Option("--of", help="The class, label or target to explain.", show_default=False),
    ] = None,
    inside: Annotated[
        bool, typer.Option("--inside", help="Which words, pixels or sounds moved the answer.")
    ] = False,
    pictures: Annotated[
        Path | None,
        typer.Option(help="A folder for pictures of what is inside, as PNG.", show_default=False),
    ] = None,
    importance: Annotated[
        bool, typer.Option("--importance", help="Which columns matter over all rows (default without --row).")
    ] = False,
    background: Annotated[
        Path | None,
        typer.Option(help="Rows to compare with; else those of DATA.", show_default=False),
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--change",
            help="What would change the answer: COLUMN, or COLUMN=up, =down, =LOW..HIGH, =A|B; again for "
            "several.",
            show_default=False,
        ),
    ] = None,
    want: Annotated[
        str | None,
        typer.Option(
            "--want", help="With --change: the class or label wanted, or LOW..HIGH.", show_default=False
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="A table (csv, parquet, xlsx, …), or everything (json).",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the random choices.")] = 0,
    json: Json = False,
) -> None:
    """Explain how MODEL answers DATA: the columns that matter; with --row, why a row is answered so."""
    from lamina.data.write import ending_of
    from lamina.files import check_place

    if output is not None:  # said now, not after all the work
        ending_of(output)
        check_place(output)
    loaded = open_model(model)
    if change:
        _changes(loaded, source(data), row, change, want, of, output, json=json)
        return
    what = _what(row, inside=inside or pictures is not None, importance=importance, output=output)
    found = loaded.explain(
        source(data), rows=row, what=what, of=of, background=background, seed=seed, pictures=pictures
    )
    _put(found, output, json=json)
    if pictures is not None:
        typer.echo(f"Pictures: {pictures}", err=True)


def _what(row: list[int] | None, *, inside: bool, importance: bool, output: Path | None) -> list[str]:
    """What is asked for: by default the columns of the rows named, or what matters over all of them."""
    what = ["inside"] * inside + ["importance"] * importance
    if row is not None or (output is not None and not what):
        return ["columns", *what]
    return what or ["importance"]


def _put(found: Explanation, output: Path | None, *, json: bool) -> None:
    from lamina.data.write import write
    from lamina.files import written_whole
    from lamina.predictions.explain.words import table
    from lamina.records import to_json

    if output is None:
        typer.echo(to_json(found) if json else str(found))
    elif output.suffix.lower() == ".json":
        with written_whole(output) as waiting:
            waiting.write_text(to_json(found), encoding="utf-8")
    else:
        write(table(found), output)


def _changes(
    model: Model, data: Any, row: list[int] | None, change: list[str], want: str | None,
    of: list[str] | None, output: Path | None, *, json: bool,
) -> None:  # fmt: skip
    from lamina.files import written_whole
    from lamina.records import to_json

    if not row:
        raise UsageError("--change asks what would change the answer for a row.", "Name it with --row 0.")
    rules = dict(map(_rule, change))
    wanted = _bounds(want) if want else None
    found = [
        model.counterfactual(data, row=each, changeable=rules, wanted=wanted, of=of[0] if of else None)
        for each in row
    ]
    if output is not None:
        with written_whole(output) as waiting:
            waiting.write_text(to_json(found), encoding="utf-8")
    elif json:
        typer.echo(to_json(found))
    else:
        typer.echo("\n\n".join(map(str, found)))


def _rule(option: str) -> tuple[str, Any]:
    """``charge=down`` as a column and how it may change."""
    column, equals, rule = option.rpartition("=")
    if not equals:
        return option, "any"
    if rule in ("any", "up", "down"):
        return column, rule
    bounds = _bounds(rule)
    return column, bounds if isinstance(bounds, tuple) else [_value(each) for each in rule.split("|")]


def _bounds(text: str) -> str | tuple[Any, Any]:
    """``10..20`` as bounds, either of which may be left away; anything else as it is."""
    low, dots, high = text.partition("..")
    if not dots:
        return text
    try:
        return tuple(_limit(each) if each else None for each in (low, high))  # type: ignore[return-value]
    except ValueError as error:
        raise UsageError(
            f"{text!r} are no bounds.", "Write numbers or dates: 10..20, ..20, 2024-01-01.."
        ) from error


def _limit(text: str) -> Any:
    from datetime import datetime

    try:
        return float(text)
    except ValueError:
        return datetime.fromisoformat(text)


def _value(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text)
