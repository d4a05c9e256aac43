"""The addresses of a server, and what each of them does."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
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

from lamina.data.write import flat
from lamina.records import to_json
from lamina.serve import bodies, openapi
from lamina.serve.examples import example_rows
from lamina.serve.keys import Keys, Scope
from lamina.serve.limits import Limits
from lamina.serve.metrics import Metrics
from lamina.serve.models import Models
from lamina.serve.page import page
from lamina.serve.problems import Problem, problem_of
from lamina.serve.rates import Rates
from lamina.serve.served import Answers, Asked, Served

log = logging.getLogger("lamina.serve")
Handler = Callable[[Request], Awaitable[Response]]

HERE: Final = 64  # rows up to which a body is read in the event loop; larger ones in a thread
_WRITERS: Final[dict[str, Callable[[pl.DataFrame], bytes]]] = {
    "text/csv": lambda frame: flat(frame).write_csv().encode(),
    "application/vnd.apache.parquet": lambda frame: _bytes_of(frame.write_parquet),
    "application/vnd.apache.arrow.file": lambda frame: _bytes_of(frame.write_ipc),
}


class Service:
    """Everything that answers: models, keys, rates, limits, measures."""

    def __init__(self, models: Models, keys: Keys, rates: Rates, limits: Limits) -> None:
        self.models = models
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
            ]
        handlers: Any = {HTTPException: _plain_refusal, Exception: _unexpected}
        return Starlette(routes=routes, exception_handlers=handlers)

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
        self.rates.take(caller)
        if self.draining:
            raise Problem(503, "The server is about to stop.", "Ask another one.", retry_after=5)

    # ---------------------------------------------------------------------------------------- the verbs

    async def predict(self, request: Request, served: Served) -> Response:
        """One answer for each row."""
        asked = await self.asked(request, served)
        request.state.rows = asked.rows
        answers = await self.models.answers(served, asked)
        return _written(request, served, asked, answers)

    async def asked(self, request: Request, served: Served) -> Asked:
        """The rows of the body. Raises Problem for one that is too large, too slow, or cannot be read."""
        kind = request.headers.get("content-type", bodies.JSON).partition(";")[0].strip().lower()
        if request.headers.get("content-encoding", "identity") != "identity":
            raise Problem(415, "The body is packed.", "Send it without Content-Encoding.")
        if kind == bodies.FORM:
            parts = bodies.rows_of_form(await self.form(request), self.limits)
            return await run_in_threadpool(self.read_rows, parts, served)
        content = await self.body(request)
        if kind == bodies.JSON:
            rows = bodies.rows_of_json(content, self.limits)
            quick = served.row(rows[0]) if len(rows) == 1 else None
            if quick is not None:
                return quick
            if len(rows) <= HERE:
                return self.read_rows(rows, served)
            return await run_in_threadpool(self.read_rows, rows, served)
        if kind in bodies.TABLES:
            return await run_in_threadpool(self.read_table, content, kind, served)
        known = ", ".join([bodies.JSON, *bodies.TABLES, bodies.FORM])
        raise Problem(415, f"Bodies of the kind {kind[:80]!r} are not read.", f"Send one of: {known}.")

    def read_rows(self, rows: Sequence[bodies.Row], served: Served) -> Asked:
        return served.asked(bodies.frame_of_rows(rows, served.schema, self.limits))

    def read_table(self, content: bytes, kind: str, served: Served) -> Asked:
        frame = bodies.frame_of_table(content, kind, self.limits)
        return served.asked(bodies.checked(frame, served.schema, self.limits))

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


def refusal(error: Exception) -> Response:
    """The problem document for an error; what should not have happened is logged, and not told."""
    problem = problem_of(error)
    if problem.status == 500:
        log.error("a request failed", exc_info=error)
    return problem.response()


def _written(request: Request, served: Served, asked: Asked, answers: Sequence[Answers]) -> Response:
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
    told = {
        "id": mark,
        "model": served.name,
        "version": served.version,
        "answers": [row for each in answers for row in each.dicts()],
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
