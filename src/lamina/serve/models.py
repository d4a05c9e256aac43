"""The models of one process: found by name, exchanged while requests are answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lamina.errors import nearest
from lamina.serve.batcher import Batcher
from lamina.serve.limits import Limits
from lamina.serve.problems import Problem
from lamina.serve.served import Answers, Asked, Served


class Models:
    """Each model with the batcher that gathers its requests.

    ``exchange`` puts another version in service at once: what is being answered is answered by the old one,
    what comes next by the new one, and nothing is dropped.
    """

    def __init__(self, served: Mapping[str, Served], limits: Limits) -> None:
        self.served = dict(served)
        self.batchers: dict[str, Batcher[Asked, Answers]] = {}
        self.limits = limits
        for each in self.served.values():
            self.exchange(each)

    def exchange(self, served: Served) -> None:
        """This version answers from now on."""
        self.served[served.name] = served
        most = max(self.limits.rows, 10_000)
        self.batchers[served.name] = Batcher(served.answer, lambda each: each.rows, most_waiting=most)

    def __iter__(self) -> Iterator[Served]:
        return iter(self.served.values())

    def named(self, name: str | None) -> Served:
        """The model of this name; without a name the only one. Raises Problem 404."""
        if name is None and len(self.served) == 1:
            return next(iter(self.served.values()))
        if name is None:
            raise Problem(
                404,
                "Several models are served, and the address names none.",
                f"Ask /v1/models/NAME/…. {nearest('', self.served)}",
            )
        found = self.served.get(name)
        if found is None:
            raise Problem(404, f"There is no model {name[:60]!r}.", nearest(name, self.served))
        return found

    async def answers(self, served: Served, asked: Asked) -> list[Answers]:
        """The answers for these rows in their order, together with whatever else has come in."""
        batcher = self.batchers[served.name]
        if asked.rows <= batcher.at_once:
            return [await batcher.ask(asked)]
        at_once = batcher.at_once
        parts = [asked.part(start, at_once) for start in range(0, asked.rows, at_once)]
        return await batcher.ask_all(parts)
