"""``lamina demo``: the main job on real input, from raw files to a saved network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lamina.cli.options import Json

if TYPE_CHECKING:
    from lamina.model import Model
    from lamina.records import Evaluation

NAME = "demo"
HELD_OUT = 4  # every fourth file or row is kept for the test


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to work.")] = Path("lamina-demo"),
    json: Json = False,
) -> None:
    """Handwritten digits as picture files, then a table of patients: fit, evaluate, predict, save."""
    from lamina.cli import demo_data
    from lamina.predictions.summary import score_lines
    from lamina.records import to_json

    def say(words: str) -> None:
        if not json:
            typer.echo(words)

    say(f"Writing handwritten digits as PNG files into {folder / 'digits'} …")
    demo_data.write_digits(folder / "digits", HELD_OUT)
    say("Training on the files of digits/train …\n")
    digits, scores, seconds = _learn(folder / "digits", None, folder / "digits.lamina")
    say("\n".join(score_lines(scores)))
    say(f"\ntrained in {seconds:.1f} s; a few of the pictures it had not seen:\n")
    if not json:
        demo_data.show(folder / "digits" / "test", digits)
    say(f"Writing a table of measurements into {folder} …")
    train, test = demo_data.write_table(folder, HELD_OUT)
    _, table_scores, table_seconds = _learn(train, "diagnosis", folder / "diagnosis.lamina", test)
    say("\n".join(score_lines(table_scores)))
    say(f"\ntrained in {table_seconds:.1f} s.")
    say(f"Saved {folder / 'digits.lamina'} and {folder / 'diagnosis.lamina'}. Next:")
    say(f"  lamina predict {folder / 'digits.lamina'} {folder / 'digits' / 'test'} | head")
    say(f"  lamina inspect {folder / 'diagnosis.lamina'} --row {test}:0")
    if json:
        both = {"digits": scores, "digits_seconds": seconds}
        typer.echo(to_json({**both, "table": table_scores, "table_seconds": table_seconds}))


def _learn(
    data: Path, target: str | None, output: Path, test: Path | None = None
) -> tuple[Model, Evaluation, float]:
    """Fit, save, load again and evaluate: the whole round, as a user would."""
    import time

    from lamina.model import fit, load

    begin = time.perf_counter()
    fit(data, target).save(output)
    seconds = time.perf_counter() - begin
    model = load(output)
    return model, model.evaluate(data if test is None else test), seconds
