"""``lamina schema``: how a table is understood, before anything is trained."""

from __future__ import annotations

import typer

from lamina.cli.options import (
    Answers,
    Data,
    Json,
    Kinds,
    Order,
    Quantiles,
    Roles,
    Targets,
    pairs,
    source,
    task_of,
)  # fmt: skip

NAME = "schema"


def schema(
    data: Data,
    target: Targets = None,
    answer: Answers = None,
    quantiles: Quantiles = None,
    order: Order = None,
    kind: Kinds = None,
    role: Roles = None,
    json: Json = False,
) -> None:
    """Show kind, role and reason of every column of DATA."""
    from lamina.data.infer import infer
    from lamina.data.read import read
    from lamina.records import to_json

    table = read(source(data), part="train")
    task = task_of(target, answer=answer, quantiles=quantiles, order=order)
    found = infer(table, task=task, kinds=pairs(kind, "--kind"), roles=pairs(role, "--role"))
    if json:
        typer.echo(to_json(found))
        return
    from rich.console import Console
    from rich.table import Table

    shown = Table("column", "kind", "role", "why", title=f"{table.source}: {len(table):,} rows")
    for field in found:
        unit = f" [{field.unit}]" if field.unit else ""
        shown.add_row(
            field.name,
            f"{field.kind}{unit}".replace("[", r"\["),
            field.role,
            field.why.replace("[", r"\["),
        )
    console = Console()
    console.print(shown)
    for note in table.notes:
        console.print(note, style="dim", markup=False)
