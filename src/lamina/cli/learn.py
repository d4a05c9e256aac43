"""``lamina learn``: new rows → a better network, or the same one and the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamina.cli.options import Data, Json, Note, StorePlace, Who, source

if TYPE_CHECKING:
    from lamina.learning.records import Comparison
    from lamina.learning.stored import Learnt

NAME = "learn"
CODES = {"promoted": 0, "unchanged": 0, "kept": 10, "moved meanwhile": 10, "refused": 11}


def learn(
    store: StorePlace,
    data: Data,
    level: Annotated[
        float | None,
        typer.Option(
            help="Share of useless candidates that may take over (default 0.05).", show_default=False
        ),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(
            help="How much worse on old rows is allowed, as a share of the loss (default 0.05).",
            show_default=False,
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="A column in whose every group it may not get worse; again for several."),
    ] = None,
    relation: Annotated[
        str | None,
        typer.Option(
            help="When old and new rows contradict each other: follow the new ones (default), or hold.",
            show_default=False,
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="Columns never seen: learn them (default), or ignore.", show_default=False),
    ] = None,
    judge: Annotated[
        float | None,
        typer.Option(
            help="Share of the new rows that judge and are not learnt from (default 0.25).",
            show_default=False,
        ),
    ] = None,
    force: Annotated[
        list[str] | None,
        typer.Option(help="A finding that is to be no reason to refuse the rows.", show_default=False),
    ] = None,
    stream: Annotated[
        bool,
        typer.Option(
            "--stream", help="Answer each row, then learn it, without a gate; the network at the end waits."
        ),
    ] = False,
    time_limit: Annotated[float | None, typer.Option(help="Seconds of learning.", show_default=False)] = None,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    wait: Annotated[float, typer.Option(help="Seconds to wait while somebody else changes the store.")] = 0.0,
    threads: Annotated[int | None, typer.Option(help="Processor threads.", show_default=False)] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, …")] = "auto",
    note: Note = "",
    who: Who = None,
    json: Json = False,
) -> None:
    """Learn from DATA, new rows with known answers; a candidate takes over only if it is proved better.

    Exit codes: 0 promoted, or unchanged since these rows were learnt before; 10 kept: the candidate was not
    proved better; 11 refused: the rows were not fit to learn from; 1 failed; 2 wrong usage.
    """
    from lamina.stores import Store
    from lamina.training.precision import Machine

    chosen: dict[str, Any] = {
        "level": level,
        "margin": margin,
        "relation": relation,
        "columns": columns,
        "judge": judge,
        "time_limit": time_limit,
    }
    settings = {name: value for name, value in chosen.items() if value is not None}
    told = Store(store, who=who).learn(
        source(data),
        stream=stream,
        note=note,
        on=Machine(device=device, threads=threads),
        wait=wait,
        by=tuple(by or ()),
        force=tuple(force or ()),
        seed=seed,
        **settings,
    )
    _show(told, json=json)
    raise typer.Exit(CODES[told.outcome])


def _show(told: Learnt, *, json: bool) -> None:
    from lamina.records import to_json

    if json:
        typer.echo(to_json(told))
        return
    report = told.report
    fatal = [each for each in report.checked if each.severity == "fatal"] if report is not None else []
    for each in report.checked if report is not None else ():
        if each not in fatal:  # they are the reason, below
            typer.echo(f"{each.severity}: {each.message} {each.remedy}".rstrip())
    for moved in report.drift if report is not None else ():
        if moved.moved:
            typer.echo(f"drift: {moved.message} {moved.effect}".rstrip())
    for grown in report.grown if report is not None else ():
        typer.echo(f"new: {grown.what} in {grown.column!r}: {', '.join(grown.values[:8])}")
    for test in report.verdict.tests if report is not None else ():
        typer.echo(
            f"  {test.on}: {test.measure} {test.champion:.4g} → {test.candidate:.4g} "
            f"({test.rows:,} rows, {_passed(test)})"
        )
    typer.echo(f"{told.outcome}: {told.why}. The champion is version {told.version}.".replace("..", "."))
    if told.advice:
        typer.echo(told.advice)
    codes = [each.code for each in fatal if "by force" in each.remedy]
    if codes:
        typer.echo("By force: " + " ".join(f"--force {each}" for each in dict.fromkeys(codes)))


def _passed(test: Comparison) -> str:
    word = "passed" if test.passed else "not passed"
    return word if test.needed else f"{word}; not needed"
