"""One request to one model: what came with it, read as far as the verb needs it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
import polars as pl
from starlette.requests import Request

from lamina.serve import bodies
from lamina.serve.arriving import body_of, headers_of, parts_of
from lamina.serve.limits import Limits
from lamina.serve.living import Living, refuse_unless_living
from lamina.serve.problems import Problem
from lamina.serve.room import Room
from lamina.serve.served import Served
from lamina.serve.service import Service

Raw = pl.DataFrame | Sequence[bodies.Row]  # the rows of a request as they came
S = TypeVar("S", bound=msgspec.Struct)


class Brought(NamedTuple):
    """The rows of a body, and what stands beside them: members of the JSON document, or of the query."""

    rows: Raw
    beside: Mapping[str, Any]

    def asked(self, what: type[S]) -> S:
        """What stands beside the rows as a record. Raises Problem 422 for anything else."""
        try:
            return msgspec.convert(dict(self.beside), what, strict=False)
        except msgspec.ValidationError as error:
            known = ", ".join(what.__struct_fields__)
            raise Problem(
                422, f"What stands beside the rows is not understood: {error}.", f"There may be: {known}."
            ) from error


class Asking:
    """A request that may be made; ``rows`` is how many were answered, for the measures; ``arrived``: whether
    the body has come."""

    __slots__ = ("arrived", "clock", "headers", "request", "room", "rows", "served", "service", "who")

    def __init__(self, service: Service, request: Request, served: Served, who: str) -> None:
        self.service, self.request, self.served, self.who = service, request, served, who
        self.headers, self.room = headers_of(request), Room(service.space)
        self.rows, self.arrived = 0, False
        self.clock = asyncio.timeout(service.limits.timeout)  # first for the body, then for the answer

    @property
    def limits(self) -> Limits:
        return self.service.limits

    @property
    def living(self) -> Living:
        """The store that is asked. Raises Problem 409 for a model that is a file."""
        return refuse_unless_living(self.service.living.get(self.served.name))

    async def body(self) -> bytes:
        content = await body_of(self.request, self.limits, self.room)
        self.arrived = True
        self.clock.reschedule(asyncio.get_running_loop().time() + self.limits.timeout)
        return content

    async def brought(self) -> Brought:
        """The rows as they came, in lists of JSON or a frame, and what stands beside them.

        Raises Problem for a body that is too large, too slow, or cannot be read."""
        kind = self.headers.get(b"content-type", bodies.JSON).partition(";")[0].strip().lower()
        if self.headers.get(b"content-encoding", "identity").lower() != "identity":
            raise Problem(415, "The body is packed.", "Send it without Content-Encoding.")
        if kind == bodies.JSON:
            rows, beside = bodies.rows_of_json(await self.body(), self.limits)
            return Brought(rows, beside or self._query())
        if kind == bodies.FORM:
            parts = await parts_of(await self.body(), self.request, self.limits)
            return Brought(bodies.rows_of_form(parts, self.limits), self._query())
        if kind not in bodies.TABLES:
            known = ", ".join([bodies.JSON, *bodies.TABLES, bodies.FORM])
            raise Problem(415, f"Bodies of the kind {kind[:80]!r} are not read.", f"Send one of: {known}.")
        frame = await self.service.read(bodies.frame_of_table, await self.body(), kind, self.limits)
        return Brought(bodies.checked(frame, self.served.schema, self.limits), self._query())

    async def frame(self) -> pl.DataFrame:
        """The rows of the body as a frame."""
        return await self.framed((await self.brought()).rows)

    async def framed(self, rows: Raw) -> pl.DataFrame:
        """Rows as a frame with the columns of the schema."""
        if isinstance(rows, pl.DataFrame):
            return rows
        return await self.service.read(bodies.frame_of_rows, rows, self.served.schema, self.limits)

    def _query(self) -> dict[str, Any]:
        """What stands in the address behind the question mark; lists and objects as JSON."""
        if not self.request.scope["query_string"]:
            return {}
        return {name: _value(name, text) for name, text in self.request.query_params.items()}


def _value(name: str, text: str) -> Any:
    if not text.startswith(("{", "[")):
        return text
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Problem(
            400, f"{name!r} in the address is no JSON: {error}.", "Encode it: curl -G --data-urlencode.",
            field=name,
        ) from error  # fmt: skip
