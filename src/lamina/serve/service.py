"""Everything that answers, and what goes on while it does: stores are watched, their logs are written."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool

from lamina.serve.behind import Behind
from lamina.serve.candidate import Candidate
from lamina.serve.examples import Example, example_of
from lamina.serve.given import Givens
from lamina.serve.keys import Keys
from lamina.serve.limits import Limits
from lamina.serve.living import EVERY, Living
from lamina.serve.metrics import Metrics
from lamina.serve.models import Models
from lamina.serve.rates import Rates
from lamina.serve.room import Space

log = logging.getLogger("lamina.serve")

READING: Final = 2  # threads that read many rows: more would only wait for each other, their rows in memory
BESIDE: Final = 8  # threads for whatever else takes time: stores, candidates, explanations

P = ParamSpec("P")
R = TypeVar("R")


class Service:
    """Models, keys, rates, limits and measures of one server.

    ``living`` are the stores among the models, ``candidates`` what stands beside some, by name; ``givens``
    what a request may bring, and the server was given for those that do not.
    """

    def __init__(
        self,
        models: Models,
        keys: Keys,
        rates: Rates,
        limits: Limits,
        *,
        living: Mapping[str, Living] | None = None,
        candidates: Mapping[str, Candidate] | None = None,
        givens: Givens | None = None,
    ) -> None:
        self.models = models
        self.living = dict(living or {})
        self.candidates = dict(candidates or {})
        self.givens = givens or Givens()
        self.keys = keys
        self.rates = rates
        self.limits = limits
        self.metrics = Metrics()
        self.space = Space(limits.bodies)
        self.reading = CapacityLimiter(READING)
        self.explaining = asyncio.Semaphore(1)
        self.waiting_to_explain = 0
        self.draining = False

    @contextlib.asynccontextmanager
    async def watched(self, app: Any = None) -> AsyncIterator[None]:
        """While the server runs, stores are watched: promotions take effect, answers are logged."""
        to_thread.current_default_thread_limiter().total_tokens = BESIDE
        watching = [asyncio.create_task(self._watch(each)) for each in self.living.values()]
        watching += [asyncio.create_task(self._compare(each)) for each in self.candidates.values()]
        try:
            yield
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
            for each in self.living.values():
                if each.learning is not None:
                    each.learning.cancel()
                await run_in_threadpool(each.write)

    async def read(self, function: Callable[P, R], *given: P.args, **named: P.kwargs) -> R:
        """What a function makes of many rows, in one of the few threads for that."""
        return await to_thread.run_sync(partial(function, *given, **named), limiter=self.reading)

    async def _watch(self, living: Living) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.look(living)
                await run_in_threadpool(living.write)
            except Exception:  # a store that cannot be read now may be readable again
                log.exception("the store %s could not be looked at", living.name)

    async def _compare(self, candidate: Candidate) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await run_in_threadpool(candidate.compare, self.limits)

    async def look(self, living: Living) -> None:
        """Exchanges the model where the store has another champion."""
        newer = await run_in_threadpool(living.newer, self.models.served[living.name])
        if newer is not None:
            self.models.exchange(newer)
            candidate = self.candidates.get(newer.name)
            if candidate is not None and candidate.served.version == newer.version:
                del self.candidates[newer.name]  # it has been promoted
            log.warning("%s: version %s answers now", newer.name, newer.version)

    def behind(self) -> list[Behind]:
        """The stores whose champion cannot be loaded here."""
        return [each.behind for each in self.living.values() if each.behind is not None]

    def examples(self) -> dict[str, Example]:
        """How to ask each model, by name."""
        return {each.name: example_of(each.model.fitted) for each in self.models}
