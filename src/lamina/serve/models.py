"""The models of one process: found by name, exchanged while requests are answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lamina.errors import nearest
from lamina.serve.problems import Problem
from lamina.serve.served import Served


class Models:
    """``exchange`` puts another version in service at once: what is being answered is answered by the old
    one, what comes next by the new one, and nothing is dropped."""

    def __init__(self, served: Mapping[str, Served]) -> None:
        self.served = dict(served)

    def exchange(self, served: Served) -> None:
        """This version answers from now on."""
        self.served[served.name] = served

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
