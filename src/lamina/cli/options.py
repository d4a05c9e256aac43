"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from lamina.errors import UsageError

Data = Annotated[
    list[Path],
    typer.Argument(help="A table, several tables, a folder or an archive.", show_default=False),
]
ModelFile = Annotated[Path, typer.Argument(help="A model file (.lamina).", show_default=False)]
Target = Annotated[
    str | None, typer.Option("--target", "-t", help="The column to predict.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", help="Correct a column's kind: COLUMN=KIND.", show_default=False),
]
Roles = Annotated[
    list[str] | None,
    typer.Option("--role", help="Correct a column's role: COLUMN=ROLE.", show_default=False),
]


def source(paths: list[Path]) -> Path | list[Path]:
    """One path alone, several as a list."""
    return paths[0] if len(paths) == 1 else paths


def pairs(options: Iterable[str] | None, flag: str) -> dict[str, str]:
    """``COLUMN=VALUE`` options as a dict."""
    found = {}
    for option in options or ():
        column, equals, value = option.rpartition("=")
        if not equals or not column or not value:
            raise UsageError(
                f"{flag} {option!r} is not of the form COLUMN=VALUE.",
                f"Write, for example, {flag} zip=category.",
            )
        found[column] = value
    return found
