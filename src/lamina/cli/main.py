"""``lamina``: the same verbs as in Python, from a terminal.

Exit codes: 0 done, 1 failed, 2 wrong usage; `lamina learn` has more, see its help. With ``--json`` the
result, or the error, is one JSON value on standard output.
"""

from __future__ import annotations

import gc
import sys
import warnings
from typing import Annotated, Any

import typer

from lamina.cli import (
    add,
    decide,
    demo,
    doctor,
    evaluate,
    explain,
    export,
    feedback,
    fit,
    forget,
    history,
    inspect,
    keys,
    learn,
    live,
    memory,
    order,
    predict,
    report,
    rollback,
    schema,
    serve,
    similar,
    stream,
)
from lamina.errors import LaminaError
from lamina.version import __version__

app = typer.Typer(
    name="lamina",
    help="Raw data in; one neural network that predicts, decides and keeps learning out.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = (
    *(fit, predict, decide, order, evaluate, explain, similar, report, export),
    *(inspect, schema, doctor, serve, demo),
    *(add, learn, stream, rollback, history, feedback, live, forget, memory),
)
for command in COMMANDS:
    app.command(command.NAME)(getattr(command, command.NAME))

app.add_typer(keys.app)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,  # eager: it needs no command after it
        typer.Option("--version", help="Print the version and stop.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """Raw data in; one neural network that predicts, decides and keeps learning out."""


def main() -> None:
    """Runs one command; every expected error becomes a message and an exit code."""
    warnings.showwarning = _show
    try:
        app()
    except LaminaError as error:
        _report(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("Stopped.", err=True)
        sys.exit(1)
    except BrokenPipeError:  # `lamina … | head` is no failure
        sys.stderr.close()
    finally:
        gc.freeze()  # at its end Python looks through all objects for cycles: up to half a second for nothing


def _report(error: LaminaError) -> None:
    if "--json" in sys.argv:
        from lamina.records import to_json

        facts = {name: str(value) for name, value in error.facts.items()}
        kind = type(error).__name__
        typer.echo(
            to_json(
                {
                    "error": {
                        "kind": kind,
                        "problem": error.problem,
                        "remedy": error.remedy,
                        "facts": facts,
                    }
                }
            )
        )
    typer.echo(f"Error: {error}", err=True)


def _show(message: Any, category: type[Warning], *_: Any, **__: Any) -> None:
    if category.__name__ == "LaminaWarning":
        typer.echo(f"Warning: {message}", err=True)


if __name__ == "__main__":
    main()
