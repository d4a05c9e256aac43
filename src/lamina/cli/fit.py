"""``lamina fit``: raw data → a model file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

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
from lamina.errors import UsageError
from lamina.files import check_place

if TYPE_CHECKING:
    from lamina.model import Model

NAME = "fit"


def fit(
    data: Data,
    target: Targets = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to save (default: NAME.lamina here).", show_default=False),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            help="Put the model into the store in this folder, which is made if need be: it can go on "
            "learning there.",
            show_default=False,
        ),
    ] = None,
    id: Annotated[
        str | None,
        typer.Option("--id", help="With --store: the column with the rows' ids.", show_default=False),
    ] = None,
    quality: Annotated[Literal["fast", "good", "best"], typer.Option(help="The one dial.")] = "good",
    answer: Answers = None,
    quantiles: Quantiles = None,
    order: Order = None,
    metric: Annotated[
        str | None,
        typer.Option(help="What validation looks at: log_loss, accuracy, auroc, rmse, mae, r2, …"),
    ] = None,
    balance: Annotated[Literal["none", "balanced"], typer.Option(help="Weigh rare classes up.")] = "none",
    kind: Kinds = None,
    role: Roles = None,
    hidden: Annotated[
        str | None,
        typer.Option(help="Neurons of each hidden layer, as 256,128.", show_default=False),
    ] = None,
    activation: Annotated[str | None, typer.Option(help="relu, gelu, silu, tanh, …")] = None,
    members: Annotated[int | None, typer.Option(help="Networks that train side by side.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the rows, at most.")] = None,
    batch: Annotated[int | None, typer.Option(help="Rows per step.")] = None,
    rate: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    decay: Annotated[float | None, typer.Option(help="Weight decay.")] = None,
    validation: Annotated[float | None, typer.Option(help="Share of rows held out.")] = None,
    split: Annotated[
        Literal["auto", "random", "group", "time"] | None, typer.Option(help="How they are chosen.")
    ] = None,
    size: Annotated[int | None, typer.Option(help="Pixels per side of images.")] = None,
    pretrained: Annotated[
        bool | None,
        typer.Option(
            "--pretrained/--no-pretrained",
            help="Networks trained on other data may read these, or must not.",
            show_default=False,
        ),
    ] = None,
    refit: Annotated[
        bool | None,
        typer.Option("--refit/--no-refit", help="End with a part on all rows.", show_default=False),
    ] = None,
    time_limit: Annotated[float | None, typer.Option(help="Seconds that the whole fit may take.")] = None,
    coverage: Annotated[float, typer.Option(help="Share of the sets and intervals that are to hold.")] = 0.9,
    coverage_by: Annotated[
        str | None,
        typer.Option(
            help="Hold it in every group of this column; the target: in every class.", show_default=False
        ),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(help="A finding that is to change nothing: leak, too-many-classes.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, …")] = "auto",
    precision: Annotated[Literal["auto", "bf16", "fp32"], typer.Option(help="Of products.")] = "auto",
    threads: Annotated[int | None, typer.Option(help="Processor threads.")] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            help="A file to keep the state in; the same call then goes on after a crash.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Train a network on DATA and save it.

    A folder of class folders (digits/7/a.png) names its own target; for a table, say which column to predict.
    """
    # Wrong words are better said before a second and a half of imports
    settings = _settings(locals())
    task = task_of(target, answer=answer, quantiles=quantiles, order=order, metric=metric, balance=balance)
    if output is None and store is None:
        output = default_output(data[0])
    if output is not None:
        check_place(output)
    if store is not None:
        check_store(store)
    from lamina.model import fit as train
    from lamina.records import to_json
    from lamina.training.precision import Machine

    where = source(data)
    machine = Machine(
        device=device,
        precision=precision,
        threads=threads,
        checkpoint=None if checkpoint is None else str(checkpoint),
    )
    model = train(
        where,
        task,
        kinds=pairs(kind, "--kind"),
        roles=pairs(role, "--role"),
        on=machine,
        **settings,
    )
    saved = None if output is None else model.save(output)
    version = None if store is None else _stored(store, model, where, id)
    if json:
        fitted = model.fitted
        typer.echo(
            to_json(
                {
                    "model": None if saved is None else str(saved),
                    "store": None if store is None else str(store),
                    "version": version,
                    "choices": fitted.choices,
                    "findings": fitted.findings,
                    "validation": model.validation,
                    "epochs": fitted.epochs,
                    "stopped": fitted.stopped,
                }
            )
        )
        return
    typer.echo(str(model))
    for finding in model.findings:
        typer.echo(f"{finding.severity}: {finding.message} {finding.remedy}".rstrip())
    if saved is not None:
        typer.echo(f"\nSaved {saved} ({saved.stat().st_size / 1e6:.1f} MB).")
    if store is not None:
        typer.echo(f"\nVersion {version} of {store}, and its champion.")


def check_store(place: Path) -> None:
    """Says now, not after all the work, that no store can be there."""
    from lamina.store.folder import check_free

    check_free(place)


def _stored(place: Path, model: Model, data: Any, id: str | None) -> int:
    from lamina.stores import Store

    return Store(place).add(model, data, id=id)


def default_output(data: Path) -> Path:
    """``churn.csv.gz`` → ``churn.lamina``, in the current folder."""
    name = data.resolve().name
    return Path((name.split(".")[0] or "model") + ".lamina")


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    names = (
        "quality", "activation", "members", "epochs", "batch", "rate", "decay", "validation",
        "split", "size", "pretrained", "refit", "time_limit", "coverage", "coverage_by", "seed",
    )  # fmt: skip
    chosen = {name: options[name] for name in names if options[name] is not None}
    if options["allow"]:
        chosen["allow"] = tuple(options["allow"])
    if options["hidden"] is not None:
        try:
            chosen["hidden"] = tuple(int(part) for part in options["hidden"].split(",") if part)
        except ValueError as error:
            raise UsageError(
                f"--hidden {options['hidden']!r} is not a list of whole numbers.",
                "Write the neurons of each layer with commas between: --hidden 256,128.",
            ) from error
    return chosen
