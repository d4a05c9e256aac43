"""``lamina export``: the network as ONNX, so that it answers without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lamina.cli.options import Json, ModelFile, Who, source

NAME = "export"


def export(
    model: ModelFile,
    data: Annotated[
        list[Path] | None,
        typer.Argument(help="Rows on which it is held against torch; else made ones.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Another model file; else MODEL itself.", show_default=False),
    ] = None,
    int8: Annotated[
        bool,
        typer.Option(
            "--int8",
            help="Weights of 8 bits in large matrices: faster for texts read by an encoder; judged by the "
            "known answers of DATA.",
        ),
    ] = False,
    who: Who = None,
    json: Json = False,
) -> None:
    """Write the network into MODEL as an ONNX graph too: it then answers without torch.

    `lamina predict` and `lamina serve` use it where ONNX Runtime is installed. Of a store, the champion gets
    it, as a version of its own, and every champion after it.
    """
    from lamina.errors import UsageError
    from lamina.files import check_place
    from lamina.model import load
    from lamina.records import to_json
    from lamina.store.folder import is_store
    from lamina.stores import Store

    rows = None if not data else source(data)
    if is_store(model):
        if output is not None or int8:
            raise UsageError(
                f"{model} is a store, and keeps its versions itself, with the answers of torch.",
                "Leave --output and --int8 away.",
                store=str(model),
            )
        graph, where = Store(model, who=who).export(rows), model
    else:
        where = output or model
        check_place(where)
        graph = load(model).export(where, rows, int8=int8)
    if json:
        told = {"path": str(where), "gap": graph.gap, "rows": graph.rows, "on": graph.on}
        typer.echo(to_json(told | ({"scores": graph.scores} if graph.int8 else {})))
    elif graph.scores is not None:
        before, after = graph.scores
        typer.echo(
            f"{where} answers without torch, with weights of 8 bits: its score is {after:.4g}, and was "
            f"{before:.4g}, on {graph.rows:,} {_rows(graph.on)}."
        )
    else:
        typer.echo(
            f"{where} answers without torch: lamina predict --engine onnx, lamina serve. "
            f"Largest difference from torch {graph.gap:.1g}, on {graph.rows:,} {_rows(graph.on)}."
        )


def _rows(on: str) -> str:
    return on if "rows" in on else f"rows of {on}"
