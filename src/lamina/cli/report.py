"""``lamina report``: one page that tells what a model is, how good it is, and where it errs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lamina.cli.options import Data, ModelFile, open_model, source

NAME = "report"


def report(
    model: ModelFile,
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write.")] = Path("report.html"),
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="Also judge the rows in groups of this column; again for several.", show_default=False
        ),
    ] = None,
    costs: Annotated[
        Path | None,
        typer.Option(
            help="A table of costs, as for `lamina decide`: also what deciding is worth.", show_default=False
        ),
    ] = None,
    ask: Annotated[
        str | None, typer.Option(help="With --costs: what asking a person costs.", show_default=False)
    ] = None,
    ask_right: Annotated[float, typer.Option(help="With --ask: how often the person finds the truth.")] = 1.0,
    examples: Annotated[
        int,
        typer.Option(help="Rows of DATA, answered worst, that the page shows of each target; 0 for none."),
    ] = 12,
) -> None:
    """Write one HTML page on MODEL, judged on DATA whose answers are known."""
    from lamina.decisions.costs import Costs
    from lamina.report.report import check_report

    check_report(output, examples)
    table = None if costs is None else Costs.from_csv(costs, ask=ask, ask_right=ask_right)
    open_model(model).report(source(data), output, costs=table, by=by or (), examples=examples)
    typer.echo(f"Report: {output}", err=True)
