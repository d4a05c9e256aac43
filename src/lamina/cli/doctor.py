"""``lamina doctor``: what is wrong with a table, before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lamina.cli.options import Data, Json, Kinds, Roles, Targets, pairs, source

if TYPE_CHECKING:
    from lamina.data.doctor import Report
    from lamina.records import Finding

NAME = "doctor"
COLOURS = {"fatal": "bold red", "warning": "yellow", "note": "dim"}
SHOWN = 8  # row numbers of a finding


def doctor(
    data: Data,
    target: Targets = None,
    rows: Annotated[
        Path | None,
        typer.Option(help="Write every row that a finding names into this CSV file.", show_default=False),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only what also runs before every fit.")] = False,
    kind: Kinds = None,
    role: Roles = None,
    json: Json = False,
) -> None:
    """Examine DATA: leaks, copies across the split, likely wrong answers, broken files, odd columns.

    Ends with exit code 1 where something makes learning impossible.
    """
    from lamina.data.doctor import doctor as examine
    from lamina.files import check_place
    from lamina.records import to_json

    if rows is not None:
        check_place(rows)
    report = examine(
        source(data),
        target if target and len(target) > 1 else next(iter(target or ()), None),
        kinds=pairs(kind, "--kind"),
        roles=pairs(role, "--role"),
        quick=quick,
    )
    if rows is not None:
        from lamina.data.write import write

        write(report.rows, rows)
    if json:
        facts = {"source": report.source, "rows": report.length, "findings": report.findings}
        typer.echo(to_json(facts))
    else:
        _show(report, rows)
    if report.fatal:
        raise typer.Exit(1)


def _show(report: Report, rows: Path | None) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    count = len(report.findings)
    said = f"{count} finding{'' if count == 1 else 's'}" if count else "nothing found"
    console.print(f"{report.source}: {report.length:,} rows, {said}\n", style="bold", markup=False)
    for each in report.findings:
        console.print(f"{each.severity}: {each.code}", style=COLOURS[each.severity], markup=False)
        for line in _lines(each):
            console.print(line, markup=False)
        console.print()
    if rows is not None:
        console.print(f"Wrote {report.rows.height:,} rows to {rows}.", markup=False)
    elif report.rows.height:
        console.print("Every row concerned: --rows findings.csv", style="dim", markup=False)


def _lines(finding: Finding) -> list[str]:
    lines = [f"  {finding.message}"]
    if finding.rows:
        more = ", …" if max(finding.count, len(finding.rows)) > SHOWN else ""
        lines.append(f"  Rows: {', '.join(map(str, finding.rows[:SHOWN]))}{more}")
    lines.append(f"  What to do: {finding.remedy}")
    return lines + ([f"  What that changes: {finding.effect}"] if finding.effect else [])
