"""``lamina decide``: what to do with every row, by what mistakes cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamina.cli.options import Data, Id, Json, Log, ModelFile, answering, open_model, source
from lamina.errors import UsageError

if TYPE_CHECKING:
    from lamina.decisions.limits import Limit

NAME = "decide"


def decide(
    model: ModelFile,
    data: Data,
    costs: Annotated[
        Path,
        typer.Option(
            help="A table: a row per action, a column per class, what that costs (gains are negative); "
            "amounts may be formulas such as 0.02 * amount + 5. The first action is doing nothing.",
            show_default=False,
        ),
    ],
    ask: Annotated[
        str | None, typer.Option(help="What asking a person costs: a further action.", show_default=False)
    ] = None,
    ask_right: Annotated[float, typer.Option(help="How often the person finds the truth.")] = 1.0,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            help="ACTION=MOST or ACTION=MOST/COLUMN: at most so many, in all or per group: review=100/day.",
            show_default=False,
        ),
    ] = None,
    at_least: Annotated[
        list[str] | None,
        typer.Option(help="ACTION=LEAST or ACTION=LEAST/COLUMN, likewise.", show_default=False),
    ] = None,
    evaluate: Annotated[
        bool, typer.Option("--evaluate", help="Judge the decisions by the known answers in DATA, in money.")
    ] = False,
    trained: Annotated[
        Path | None,
        typer.Option(help="With --evaluate: rows to choose a threshold on.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="csv, parquet, xlsx, …; else CSV to the terminal.", show_default=False
        ),
    ] = None,
    log: Log = False,
    id: Id = None,
    json: Json = False,
) -> None:
    """Choose the action with the best expected value for every row of DATA."""
    from lamina.cli.predict import beside
    from lamina.data.read import read
    from lamina.data.write import ending_of, write
    from lamina.decisions.costs import Costs
    from lamina.decisions.worth import lines
    from lamina.files import check_place
    from lamina.records import to_json

    if output is not None:
        ending_of(output)
        check_place(output)
    limits = [
        *(_limit(each, "--limit") for each in limit or ()),
        *(_limit(each, "--at-least") for each in at_least or ()),
    ]
    table = Costs.from_csv(costs, ask=ask, ask_right=ask_right)
    if evaluate:
        found = open_model(model).worth(source(data), table, limits=limits, trained=trained)
        typer.echo(to_json(found) if json else "\n".join(lines(found)))
        return
    rows = read(source(data))
    asked: dict[str, Any] = {"log": True, "id": id} if log else {}
    decisions = answering(model, log=log).decide(rows, table, limits=limits, **asked)
    write(beside(rows.frame, decisions), output, json=json)
    if output is not None:
        counts = decisions["action"].value_counts(sort=True).iter_rows()
        told = ", ".join(f"{action} {count:,}" for action, count in counts)
        typer.echo(f"Decided {decisions.height:,} rows ({told}): {output}", err=True)


def _limit(text: str, flag: str) -> Limit:
    """``review=100/day`` as a limit."""
    from lamina.decisions.limits import Limit

    action, equals, rest = text.rpartition("=")
    number, _, per = rest.partition("/")
    try:
        count = float(number)
    except ValueError:
        count = -1.0
    if not equals or not action or count < 0:
        raise UsageError(
            f"{flag} {text!r} is not of the form ACTION=NUMBER or ACTION=NUMBER/COLUMN.",
            f"Write, for example, {flag} review=100/day.",
        )
    least = flag == "--at-least"
    return Limit(
        action=action, most=None if least else count, least=count if least else None, per=per or None
    )
