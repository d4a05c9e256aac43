"""``lamina keys``: who may use a server, and for what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAME = "keys"

app = typer.Typer(
    name=NAME, help="Make and remove the API keys of a server.", no_args_is_help=True, rich_markup_mode=None
)
File = Annotated[Path, typer.Argument(help="The file of keys; made where there is none.", show_default=False)]


@app.command("add")
def add(
    file: File,
    name: Annotated[str, typer.Argument(help="Whose key it is.", show_default=False)],
    scope: Annotated[
        list[str], typer.Option(help="predict, feedback, learn or admin; again for several.")
    ] = ["predict"],  # noqa: B006 (typer copies it)
) -> None:
    """Make a key and print it: this is the only time it is seen."""
    from lamina.serve.keys import add_key

    typer.echo(add_key(file, name, tuple(scope)))


@app.command("remove")
def remove(file: File, name: Annotated[str, typer.Argument(show_default=False)]) -> None:
    """Take a key away."""
    from lamina.serve.keys import remove_key

    remove_key(file, name)


@app.command("list")
def show(file: File) -> None:
    """Name the keys and what they may do."""
    from lamina.serve.keys import Keys

    for key in Keys.read(file).keys.values():
        typer.echo(f"{key.name}\t{', '.join(key.scopes)}\t{key.made}")
