"""What to do with every row, by what mistakes cost."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import numpy as np
from starlette.responses import Response

from lamina.decisions.costs import Costs
from lamina.decisions.limits import Limit
from lamina.decisions.of_model import check_asked, decide_answered
from lamina.network.engine import Answered
from lamina.serve.asking import Asking
from lamina.serve.living import Decided
from lamina.serve.problems import Problem
from lamina.serve.responses import table
from lamina.serve.verbs.predict import asked_of, ids_for

MOST_LIMITS: Final = 20


class CostTable(msgspec.Struct, forbid_unknown_fields=True):
    """What every action costs under every class; see ``lamina.Costs``."""

    table: dict[str, dict[str, float | str]]
    ask: float | str | None = None
    ask_right: float = 1.0


class Beside(msgspec.Struct, forbid_unknown_fields=True):
    """What may stand beside the rows: by which costs to decide, and within which limits."""

    costs: CostTable | None = None
    limits: list[Limit] = []


async def decide(asking: Asking) -> Response:
    """The action with the best expected value for each row. Where a store logs, every row gets an id."""
    brought = await asking.brought()
    beside = brought.asked(Beside)
    if len(beside.limits) > MOST_LIMITS:
        raise Problem(
            422, f"There are {len(beside.limits)} limits; {MOST_LIMITS} are allowed.", field="limits"
        )
    costs = _costs(asking, beside)
    raw = await asking.framed(brought.rows)
    asking.rows = raw.height
    served, fitted = asking.served, asking.served.model.fitted
    check_asked(fitted, raw.columns, costs, beside.limits)
    ids = ids_for(asking, raw, raw.height)
    asked = await asked_of(raw, served, asking.service)
    parts = [each.raw() for each in await served.answers(asked)]
    answered = Answered.joined(each for each, _ in parts)
    known = np.concatenate([each for _, each in parts])
    made = await asking.service.read(decide_answered, fitted, raw, answered, known, costs, beside.limits)
    if ids is not None:
        asking.living.remember(Decided(raw, made, ids, served, asking.who))
    return table(asking, made.frame.to_dicts, lambda: made.frame, ids=ids, warnings=asked.warnings)


def _costs(asking: Asking, beside: Beside) -> Costs:
    """Those that came with the request, else those that the server was given."""
    if beside.costs is not None:
        told: dict[str, Any] = msgspec.structs.asdict(beside.costs)
        return Costs(**told)
    if asking.service.givens.costs is None:
        raise Problem(
            422,
            "What mistakes cost is not known: no costs came with the request, and the server has none.",
            'Send {"rows": […], "costs": {"table": {"ACTION": {"CLASS": amount}}}}, or start the server with '
            "--costs FILE.",
            field="costs",
        )
    return asking.service.givens.costs
