"""The addresses of a server, and what each of them does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
import polars as pl
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from lamina.data.table import Table
from lamina.data.write import flat
from lamina.records import to_json
from lamina.serve import bodies, openapi
from lamina.serve.examples import example_rows
from lamina.serve.keys import Keys, Scope
from lamina.serve.limits import Limits
from lamina.serve.living import EVERY, Answered, Living, refuse_unless_living
from lamina.serve.metrics import Metrics
from lamina.serve.models import Models
from lamina.serve.page import page
from lamina.serve.problems import Problem, problem_of
from lamina.serve.rates import Rates
from lamina.serve.served import Answers, Asked, Served
from lamina.store.ids import ids_of, new_ids

log = logging.getLogger("lamina.serve")
Handler = Callable[[Request], Awaitable[Response]]

Raw = pl.DataFrame | Sequence[bodies.Row]  # the rows of a request as they came

HERE: Final = 64  # rows up to which a body is read in the event loop; larger ones in a thread
_WRITERS: Final[dict[str, Callable[[pl.DataFrame], bytes]]] = {
    "text/csv": lambda frame: flat(frame).write_csv().encode(),
    "application/vnd.apache.parquet": lambda frame: _bytes_of(frame.write_parquet),
    "application/vnd.apache.arrow.file": lambda frame: _bytes_of(frame.write_ipc),
}


class Service:
    """Everything that answers: models, keys, rates, limits, measures."""

    def __init__(
        self,
        models: Models,
        keys: Keys,
        rates: Rates,
        limits: Limits,
        living: Mapping[str, Living] | None = None,
    ) -> None:
        self.models = models
        self.living = dict(living or {})
        self.keys = keys
        self.rates = rates
        self.limits = limits
        self.metrics = Metrics()
        self.draining = False

    def app(self) -> Starlette:
        """The ASGI application."""
        routes = [
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
            Route("/metrics", self.measures),
            Route("/openapi.json", self.openapi),
            Route("/docs", self.docs),
            Route("/v1/models", self.all_models),
        ]
        for start in ("/v1", "/v1/models/{model}"):
            routes += [
                Route(f"{start}/predict", self.guarded("predict", self.predict), methods=["POST"]),
                Route(f"{start}/schema", self.guarded("predict", self.schema)),
                Route(f"{start}/model", self.guarded("predict", self.model)),
                Route(f"{start}/feedback", self.guarded("feedback", self.feedback), methods=["POST"]),
                Route(f"{start}/learn", self.guarded("learn", self.learn), methods=["POST"]),
                Route(f"{start}/learn/{{job}}", self.guarded("learn", self.lesson)),
                Route(f"{start}/rollback", self.guarded("admin", self.rollback), methods=["POST"]),
                Route(f"{start}/history", self.guarded("predict", self.history)),
            ]
        handlers: Any = {HTTPException: _plain_refusal, Exception: _unexpected}
        return Starlette(routes=routes, exception_handlers=handlers, lifespan=self.watched)

    @contextlib.asynccontextmanager
    async def watched(self, app: Starlette) -> AsyncIterator[None]:
        """While the server runs, stores are watched: promotions take effect, answers are logged."""
        watching = [asyncio.create_task(self._watch(each)) for each in self.living.values()]
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

    async def _watch(self, living: Living) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.look(living)
                await run_in_threadpool(living.write)
            except Exception:  # a store that cannot be read now may be readable again
                log.exception("the store %s could not be looked at", living.name)

    async def look(self, living: Living) -> None:
        """Exchanges the model where the store has another champion."""
        newer = await run_in_threadpool(living.newer, self.models.served[living.name])
        if newer is not None:
            self.models.exchange(newer)
            log.warning("%s: version %s answers now", newer.name, newer.version)

    # ------------------------------------------------------------------------------ what stands before

    def guarded(self, scope: Scope, handler: Callable[[Request, Served], Awaitable[Response]]) -> Handler:
        """The handler behind key, rate, time limit and measures; every refusal is a problem document."""

        async def guarded(request: Request) -> Response:
            began, verb = time.perf_counter(), request.url.path.rpartition("/")[2]
            name = "-"
            try:
                self.allow(request, scope)
                served = self.models.named(request.path_params.get("model"))
                name = served.name
                async with asyncio.timeout(2 * self.limits.timeout):
                    response = await handler(request, served)
            except TimeoutError:
                response = Problem(
                    503, "The answer took too long.", "Try again later.", retry_after=5
                ).response()
            except ClientDisconnect:
                response = Response(status_code=400)
            except Exception as error:
                response = refusal(error)
            seconds = time.perf_counter() - began
            self.metrics.told(name, verb, response.status_code, getattr(request.state, "rows", 0), seconds)
            return response

        return guarded

    def allow(self, request: Request, scope: Scope) -> None:
        """Raises Problem where the key may not do this, or asks too often."""
        key = self.keys.check(_key_of(request), scope)
        caller = key.name if key else request.client.host if request.client else "-"
        request.state.who = caller
        self.rates.take(caller)
        if self.draining:
            raise Problem(503, "The server is about to stop.", "Ask another one.", retry_after=5)

    # ---------------------------------------------------------------------------------------- the verbs

    async def predict(self, request: Request, served: Served) -> Response:
        """One answer for each row. In a store that logs, every row gets an id to which feedback refers."""
        raw = await self.rows(request, served)
        asked = await self.asked(raw, served)
        request.state.rows = asked.rows
        answers = await self.models.answers(served, asked)
        living = self.living.get(served.name)
        ids = None
        if living is not None and living.logs:
            frame = pl.concat([each.frame() for each in answers])
            ids = ids_for(raw, living.store.opened.log.setting("id"), frame.height)
            rows = (
                raw
                if isinstance(raw, pl.DataFrame)
                else bodies.frame_of_rows(raw, served.schema, self.limits)
            )
            living.remember(Answered(rows, frame, ids, served, request.state.who))
        return _written(request, served, asked, answers, ids)

    async def feedback(self, request: Request, served: Served) -> Response:
        """What really happened, by id: rows with the column of ids and the target."""
        living = refuse_unless_living(self.living.get(served.name))
        frame = await self.frame(request, served)
        column = living.store.opened.log.setting("id") or "id"
        await run_in_threadpool(living.write)
        joined = await run_in_threadpool(living.store.feedback, frame, id=column)
        return _json(msgspec.json.encode(joined))

    async def learn(self, request: Request, served: Served) -> Response:
        """Begins to learn from rows with known answers, in a process of its own."""
        living = refuse_unless_living(self.living.get(served.name))
        frame = await self.frame(request, served)
        job = living.learn(frame)
        where = {"Location": f"{request.url.path.rstrip('/')}/{job.id}"}
        return Response(msgspec.json.encode(job), 202, where, media_type=bodies.JSON)

    async def lesson(self, request: Request, served: Served) -> Response:
        """How far a lesson is, and what came of it."""
        living = refuse_unless_living(self.living.get(served.name))
        return _json(msgspec.json.encode(living.job(request.path_params["job"])))

    async def rollback(self, request: Request, served: Served) -> Response:
        """Lets an earlier version answer again; ``{"to": version}``, by default the one before."""
        living = refuse_unless_living(self.living.get(served.name))
        content = await self.body(request)
        try:
            to = msgspec.json.decode(content or b"{}", type=RollbackTo).to
        except msgspec.DecodeError as error:
            raise Problem(
                400, f"The body is not understood: {error}.", 'Send {"to": 3}, or nothing.'
            ) from error
        version = await run_in_threadpool(living.store.rollback, to, note="over HTTP")
        await self.look(living)
        return _json(msgspec.json.encode({"version": version}))

    async def history(self, request: Request, served: Served) -> Response:
        """The life of the network."""
        living = refuse_unless_living(self.living.get(served.name))
        frame = await run_in_threadpool(living.store.history)
        return _json(frame.write_json().encode())

    async def frame(self, request: Request, served: Served) -> pl.DataFrame:
        """The rows of a body as a frame."""
        raw = await self.rows(request, served)
        if isinstance(raw, pl.DataFrame):
            return raw
        return await run_in_threadpool(bodies.frame_of_rows, raw, served.schema, self.limits)

    async def rows(self, request: Request, served: Served) -> Raw:
        """The rows of the body as they came, in lists of JSON or a frame.

        Raises Problem for a body that is too large, too slow, or cannot be read."""
        kind = request.headers.get("content-type", bodies.JSON).partition(";")[0].strip().lower()
        if request.headers.get("content-encoding", "identity") != "identity":
            raise Problem(415, "The body is packed.", "Send it without Content-Encoding.")
        if kind == bodies.FORM:
            return bodies.rows_of_form(await self.form(request), self.limits)
        if kind != bodies.JSON and kind not in bodies.TABLES:
            known = ", ".join([bodies.JSON, *bodies.TABLES, bodies.FORM])
            raise Problem(415, f"Bodies of the kind {kind[:80]!r} are not read.", f"Send one of: {known}.")
        content = await self.body(request)
        if kind == bodies.JSON:
            return bodies.rows_of_json(content, self.limits)
        frame = await run_in_threadpool(bodies.frame_of_table, content, kind, self.limits)
        return bodies.checked(frame, served.schema, self.limits)

    async def asked(self, raw: Raw, served: Served) -> Asked:
        """The rows as the network reads them: one of plain cells at once, many in a thread."""
        if isinstance(raw, pl.DataFrame):
            return await run_in_threadpool(served.asked, raw)
        quick = served.row(raw[0]) if len(raw) == 1 else None
        if quick is not None:
            return quick
        if len(raw) <= HERE:
            return self.read_rows(raw, served)
        return await run_in_threadpool(self.read_rows, raw, served)

    def read_rows(self, rows: Sequence[bodies.Row], served: Served) -> Asked:
        return served.asked(bodies.frame_of_rows(rows, served.schema, self.limits))

    async def body(self, request: Request) -> bytes:
        """The whole body, if it comes in time and is not too large: counted while it arrives."""
        self.check_length(request)
        content = bytearray()
        try:
            async with asyncio.timeout(self.limits.timeout):
                async for chunk in request.stream():
                    content += chunk
                    if len(content) > self.limits.body:
                        raise _too_large(self.limits)
        except TimeoutError:
            raise Problem(408, "The body came too slowly.", "Send it again.") from None
        return bytes(content)

    async def form(self, request: Request) -> list[tuple[str, Any]]:
        """The parts of a form, files as bytes."""
        self.check_length(request, needed=True)
        try:
            async with asyncio.timeout(self.limits.timeout):
                form = await request.form(max_files=1000, max_fields=10_000, max_part_size=self.limits.body)
        except TimeoutError:
            raise Problem(408, "The body came too slowly.", "Send it again.") from None
        try:
            return [
                (name, await part.read() if isinstance(part, UploadFile) else part)
                for name, part in form.multi_items()
            ]
        finally:
            await form.close()

    def check_length(self, request: Request, *, needed: bool = False) -> None:
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > self.limits.body:
            raise _too_large(self.limits)
        if needed and not length.isdigit():
            raise Problem(400, "The form does not say how long it is.", "Send a Content-Length.")

    async def schema(self, request: Request, served: Served) -> Response:
        """The columns that are read, and why each is taken so."""
        return _json(to_json(served.schema).encode())

    async def model(self, request: Request, served: Served) -> Response:
        """What the model is, and how good it was on rows it had not learnt from."""
        return _json(msgspec.json.encode(served.about()))

    async def all_models(self, request: Request) -> Response:
        """Every model that is served."""
        return _json(msgspec.json.encode([each.about() for each in self.models]))

    # ----------------------------------------------------------------------------------- around the verbs

    async def healthz(self, request: Request) -> Response:
        """The process lives."""
        return _json(b'{"status":"ok"}')

    async def readyz(self, request: Request) -> Response:
        """Requests are answered."""
        if self.draining:
            return Problem(503, "The server is about to stop.", "Ask another one.", retry_after=5).response()
        return _json(b'{"status":"ready"}')

    async def measures(self, request: Request) -> Response:
        """For Prometheus."""
        for name, batcher in self.models.batchers.items():
            self.metrics.waiting.labels(name).set(batcher.waiting)
        return Response(self.metrics.text(), media_type="text/plain; version=0.0.4")

    async def openapi(self, request: Request) -> Response:
        """The OpenAPI document."""
        return _json(msgspec.json.encode(openapi.document(*self._described())))

    async def docs(self, request: Request) -> Response:
        """The page for people."""
        policy = (
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"
        )
        return HTMLResponse(page(*self._described()), headers={"Content-Security-Policy": policy})

    def _described(self) -> tuple[dict[str, Any], dict[str, Any]]:
        schemas = {each.name: each.schema for each in self.models}
        return schemas, {each.name: example_rows(each.model.fitted) for each in self.models}


# --------------------------------------------------------------------------------------------- answers


class RollbackTo(msgspec.Struct):
    """Which version is to answer again."""

    to: int | str | None = None


def ids_for(raw: Raw, column: str | None, rows: int) -> list[str]:
    """The ids that came with the rows, where the store knows their column; else new ones."""
    if column is None:
        return new_ids(rows)
    if isinstance(raw, pl.DataFrame):
        return ids_of(Table(raw, "the request"), column)
    missing = [k for k, row in enumerate(raw) if row.get(column) in (None, "")]
    if missing:
        raise Problem(422, f"Row {missing[0]} has no {column!r}, its id.", "Send it.", field=column)
    return [str(row[column]) for row in raw]


def refusal(error: Exception) -> Response:
    """The problem document for an error; what should not have happened is logged, and not told."""
    problem = problem_of(error)
    if problem.status == 500:
        log.error("a request failed", exc_info=error)
    return problem.response()


def _written(
    request: Request,
    served: Served,
    asked: Asked,
    answers: Sequence[Answers],
    ids: Sequence[str] | None = None,
) -> Response:
    """The answers in the form that was asked for."""
    mark = secrets.token_hex(8)
    headers = {"X-Request-Id": mark, "X-Model-Version": served.version}
    wanted = request.headers.get("accept", "").partition(",")[0].partition(";")[0].strip().lower()
    if wanted in _WRITERS:
        return Response(
            _WRITERS[wanted](pl.concat([each.frame() for each in answers])),
            headers=headers,
            media_type=wanted,
        )
    rows = [row for each in answers for row in each.dicts()]
    if ids is not None:
        rows = [{"id": own, **row} for own, row in zip(ids, rows, strict=True)]
    told = {
        "id": mark,
        "model": served.name,
        "version": served.version,
        "answers": rows,
        "warnings": asked.warnings,
    }
    return _json(msgspec.json.encode(told), headers)


def _json(content: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(content, headers=headers, media_type="application/json")


def _bytes_of(write: Callable[[Any], Any]) -> bytes:
    import io

    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def _key_of(request: Request) -> str | None:
    given = request.headers.get("authorization", "")
    if given[:7].lower() == "bearer ":
        return given[7:].strip()
    return request.headers.get("x-api-key")


def _too_large(limits: Limits) -> Problem:
    return Problem(
        413,
        f"The body is larger than {limits.body:,} bytes.",
        "Send it in several requests, or use «lamina predict» for whole files.",
    )


async def _plain_refusal(request: Request, error: HTTPException) -> Response:
    problem = Problem(error.status_code, f"{request.method} {request.url.path[:200]}: {error.detail}.")
    if error.status_code == 404:
        problem.remedy = "See /docs for what can be asked."
    return problem.response()


async def _unexpected(request: Request, error: Exception) -> Response:
    return refusal(error)
