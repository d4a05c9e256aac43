"""``lamina serve``: models behind HTTP."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from lamina.cli.options import Engine

NAME = "serve"

Models = Annotated[list[Path], typer.Argument(help="Model files (.lamina) and stores.", show_default=False)]


def serve(
    models: Models,
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes any that is free.", min=0, max=65535)] = 8000,
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
    log_share: Annotated[
        float, typer.Option(help="With --log: the share of rows that is kept, the same ones by their ids.")
    ] = 1.0,
    log_columns: Annotated[
        str, typer.Option(help="With --log: columns of the rows to keep, with commas between.")
    ] = "",
    candidate: Annotated[
        str | None,
        typer.Option(
            help="A model file, or a version of the store (or «candidate»), to compare with silently.",
            show_default=False,
        ),
    ] = None,
    share: Annotated[float, typer.Option(help="The share of rows that the candidate answers itself.")] = 0.0,
    costs: Annotated[
        Path | None,
        typer.Option(
            help="A table of costs to decide by, where a request brings none (see lamina decide).",
            show_default=False,
        ),
    ] = None,
    background: Annotated[
        Path | None,
        typer.Option(help="Rows that explanations compare with, such as test rows.", show_default=False),
    ] = None,
    threads: Annotated[
        int, typer.Option(help="Processor threads that compute a network: one is best for small requests.")
    ] = 1,
    open_to_all: Annotated[
        bool, typer.Option("--open-to-all", help="Without keys also beyond this machine.")
    ] = False,
) -> None:
    """Answer over HTTP with MODELS, until Ctrl-C or SIGTERM."""
    from lamina.errors import MissingExtraError
    from lamina.serve.memory import keep_flat

    os.environ["OMP_NUM_THREADS"] = str(max(1, threads))  # before torch or ONNX Runtime is loaded
    keep_flat()
    try:
        from lamina.serve.server import run
        from lamina.serve.starting import Settings, service_for
    except ImportError as error:
        raise MissingExtraError("Serving", "serve") from error

    columns = tuple(each.strip() for each in log_columns.split(",") if each.strip())
    settings = Settings(
        host=host, port=port, keys=keys, rate=rate, certificate=certificate, private_key=private_key,
        open_to_all=open_to_all, log=log, costs=costs, background=background,
        log_share=log_share, log_columns=columns,
        candidate=candidate, share=share, engine=engine,
    )  # fmt: skip
    run(service_for(models, settings), settings)
