"""Writes the report of a model: what ``Model.report`` delegates to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lamina.errors import UsageError
from lamina.files import check_place, written_whole
from lamina.report.facts import Facts, gathered
from lamina.report.page import page

if TYPE_CHECKING:
    from lamina.decisions.costs import Costs
    from lamina.model import Model

MOST_EXAMPLES: Final = 50
ENDINGS: Final = (".html", ".htm")


def write_report(
    model: Model, data: Any, path: str | Path, *, costs: Costs | None, by: Sequence[str], examples: int
) -> Facts:
    """The page, whole or not at all. Raises UsageError for a name that is no page's and too many examples."""
    check_report(path, examples)
    facts = gathered(model, data, costs=costs, by=by, examples=examples)
    content = page(facts).encode("utf-8", "replace")
    with written_whole(path) as waiting:
        waiting.write_bytes(content)
    return facts


def check_report(path: str | Path, examples: int) -> None:
    """What can be said before all the work."""
    if Path(path).suffix.lower() not in ENDINGS:
        raise UsageError(
            f"{path} is no name of a page.", "A report is one HTML file: name it report.html.", path=str(path)
        )
    if not 0 <= examples <= MOST_EXAMPLES:
        raise UsageError(
            f"{examples} rows are asked for.",
            f"Ask for 0 to {MOST_EXAMPLES} rows per target.",
            examples=examples,
        )
    check_place(path)
