"""``lamina serve``: models behind HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lamina.cli.options import Engine

NAME = "serve"

Models = Annotated[list[Path], typer.Argument(help="Model files (.lamina) and stores.", show_default=False)]


def serve(
    models: Models,
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes any that is free.")] = 8000,
    keys: Annotated[
        Path | None, typer.Option(help="API keys, as «lamina keys» makes them.", show_default=False)
    ] = None,
    rate: Annotated[float, typer.Option(help="Requests a second and caller; 0: no limit.")] = 0.0,
    certificate: Annotated[
        Path | None, typer.Option(help="For TLS: a certificate file.", show_default=False)
    ] = None,
    private_key: Annotated[
        Path | None, typer.Option(help="For TLS: its private key.", show_default=False)
    ] = None,
    engine: Engine = "auto",
    log: Annotated[
        bool, typer.Option("--log", help="Keep what a store answers in its log, for feedback.")
    ] = False,
    open_to_all: Annotated[
        bool, typer.Option("--open-to-all", help="Without keys also beyond this machine.")
    ] = False,
) -> None:
    """Answer over HTTP with MODELS, until Ctrl-C or SIGTERM."""
    from lamina.errors import MissingExtraError

    try:
        from lamina.serve.server import Settings, run, service_for
    except ImportError as error:
        raise MissingExtraError("Serving", "serve") from error

    settings = Settings(
        host=host, port=port, keys=keys, rate=rate, certificate=certificate, private_key=private_key,
        open_to_all=open_to_all, log=log, engine=engine,
    )  # fmt: skip
    run(service_for(models, settings), settings)
