"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lamina.errors import UsageError

if TYPE_CHECKING:
    from lamina.model import Model
    from lamina.stores import Store
    from lamina.tasks import Task

Data = Annotated[
    list[Path],
    typer.Argument(help="A table, several tables, a folder or an archive.", show_default=False),
]
ModelFile = Annotated[
    Path, typer.Argument(help="A model file (.lamina), or a store: then its champion.", show_default=False)
]
StorePlace = Annotated[
    Path, typer.Argument(metavar="STORE", help="The folder of a store.", show_default=False)
]
Id = Annotated[
    str | None,
    typer.Option(
        "--id", help="The column with the rows' ids (default: as the store was told).", show_default=False
    ),
]
Log = Annotated[
    bool,
    typer.Option("--log", help="Of a store: log the answers, so that feedback can be joined to them."),
]
Note = Annotated[str, typer.Option("--note", help="Words to stand in the log.", show_default=False)]
Who = Annotated[
    str | None,
    typer.Option("--who", help="Who stands in the log (default: user@machine).", show_default=False),
]
Targets = Annotated[
    list[str] | None,
    typer.Option("--target", "-t", help="The column to predict; again for several.", show_default=False),
]
Answers = Annotated[
    list[str] | None,
    typer.Option(
        "--answer",
        help="What the target is, if not as read: classes, number, quantiles, count, amount, ordered, "
        "labels, transcript; COLUMN=ANSWER where there are several.",
        show_default=False,
    ),
]
Quantiles = Annotated[
    str | None,
    typer.Option(help="Levels wanted of a number, as 0.1,0.5,0.9.", show_default=False),
]
Order = Annotated[
    str | None,
    typer.Option(help="Ordered classes, lowest first, as low,medium,high.", show_default=False),
]
EngineOption = Literal["auto", "torch", "onnx"]
Engine = Annotated[
    EngineOption,
    typer.Option(
        help="What answers: torch, onnx (ONNX Runtime, for what «lamina export» wrote), or auto, which is "
        "onnx where it can be."
    ),
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


def open_model(place: Path, engine: EngineOption = "torch") -> Model:
    """The model of a file, or the champion of a store."""
    from lamina.model import load
    from lamina.store.folder import is_store

    if not is_store(place):
        return load(place, engine=engine)
    from lamina.stores import Store

    return Store(place, engine=engine).champion


def answering(place: Path, *, log: bool, engine: EngineOption = "torch") -> Model | Store:
    """Who answers: a model, or a store that logs what it says. Raises UsageError for a file that is to
    log."""
    from lamina.store.folder import is_store

    if not log:
        return open_model(place, engine)
    if not is_store(place):
        raise UsageError(
            f"{place} is no store, and only a store has a log.",
            f"Put the model into one: lamina add STORE {place}.",
        )
    from lamina.stores import Store

    return Store(place, engine=engine)


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


def task_of(
    targets: list[str] | None,
    *,
    answer: list[str] | None = None,
    quantiles: str | None = None,
    order: str | None = None,
    **further: Any,
) -> Task | None:
    """The task that the options say, or ``None`` where none names a target."""
    from lamina.tasks import Predict, Transcribe

    said = {**further, "answer": answer, "quantiles": quantiles, "order": order}
    useless = sorted(name for name, value in said.items() if value not in (None, "none"))
    if not targets and useless:
        raise UsageError(
            f"--{useless[0]} says something of the target, and no target is named.",
            "Name it with --target (for a folder of class folders: --target label).",
        )
    if not targets:
        return None
    if answer == ["transcript"]:
        return Transcribe(targets[0] if len(targets) == 1 else tuple(targets), metric=further.get("metric"))
    return Predict(
        target=targets[0] if len(targets) == 1 else tuple(targets),
        answer=_answers(answer, targets),
        quantiles=_levels(quantiles),
        order=tuple(part.strip() for part in order.split(",") if part.strip()) if order else (),
        **further,
    )


def _answers(answer: list[str] | None, targets: list[str]) -> str | dict[str, str] | None:
    """One answer for all, or one for each column named."""
    if not answer:
        return None
    if len(answer) == 1 and "=" not in answer[0]:
        return answer[0]
    return pairs(answer, "--answer")


def _levels(quantiles: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in (quantiles or "").split(",") if part)
    except ValueError as error:
        raise UsageError(
            f"--quantiles {quantiles!r} is not a list of numbers.",
            "Write the levels with commas between: --quantiles 0.1,0.5,0.9.",
        ) from error
