"""Why rows are answered as they are: few rows, bounded time, one request after the other in a thread."""

from __future__ import annotations

from typing import Final

import msgspec
import polars as pl
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from lamina.errors import need_torch
from lamina.predictions.explain.records import Explanation
from lamina.predictions.explain.within import within
from lamina.serve.asking import Asking
from lamina.serve.limits import Limits
from lamina.serve.problems import Problem
from lamina.serve.responses import told
from lamina.serve.served import Served

MOST_WAITING: Final = 8  # requests that wait for the one that is explained


class Beside(msgspec.Struct, forbid_unknown_fields=True):
    """What may stand beside the rows: those to compare with, and what is asked (as of ``Model.explain``)."""

    background: list[dict[str, object]] | None = None
    what: str | list[str] = "columns"
    of: str | list[str] | None = None
    seed: int = 0


async def explain(asking: Asking) -> Response:
    """How far every column moved the answers. The rows are compared with the background: that of the request,
    else the server's, else the rows themselves."""
    brought = await asking.brought()
    beside = brought.asked(Beside)
    frame = await asking.framed(brought.rows)
    check(frame, beside, asking.limits)
    background = asking.service.givens.background
    if beside.background is not None:
        background = await asking.framed(beside.background)
    asking.rows = frame.height
    explaining = asking.service.explaining
    if explaining.locked() and asking.service.waiting_to_explain >= MOST_WAITING:
        raise Problem(503, "Others wait for explanations already.", "Try again later.", retry_after=5)
    asking.service.waiting_to_explain += 1
    try:
        async with explaining:
            found = await run_in_threadpool(
                _explained, asking.served, frame, background, beside, asking.limits.explain_seconds
            )
    finally:
        asking.service.waiting_to_explain -= 1
    return told({"model": asking.served.name, "version": asking.served.version, "explanation": found})


def check(frame: pl.DataFrame, beside: Beside, limits: Limits) -> None:
    """Raises Problem 413 for more rows than are explained at once."""
    for rows, most, what in (
        (frame.height, limits.explained, "explained"),
        (len(beside.background or ()), limits.background, "compared with"),
    ):
        if rows > most:
            raise Problem(
                413, f"{rows:,} rows came; {most:,} at most are {what} at once.", "Send fewer rows."
            )
    if not 0 <= beside.seed < 2**32:
        raise Problem(422, "The seed is a number from 0 to 4294967295.", "Leave it away.", field="seed")


def _explained(
    served: Served, frame: pl.DataFrame, background: pl.DataFrame | None, beside: Beside, seconds: float
) -> Explanation:
    need_torch("An explanation is more than an answer: it")
    from lamina.predictions.explain.explain import explain as explained  # torch comes with it

    compared = None if background is None else served.conformed(background)[0]
    what = [beside.what] if isinstance(beside.what, str) else beside.what
    with within(seconds):
        return explained(
            served.model.fitted, served.conformed(frame)[0], rows=None, what=what, of=beside.of,
            background=compared, seed=beside.seed,
        )  # fmt: skip
