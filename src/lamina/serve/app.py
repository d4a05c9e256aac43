"""The ASGI application: every address leads to its verb."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from lamina.serve import openapi
from lamina.serve.addresses import ADDRESSES, STARTS
from lamina.serve.guard import Handler, guarded, no_address, unexpected
from lamina.serve.responses import json
from lamina.serve.service import Service
from lamina.serve.verbs import around


async def document(service: Service, request: Request) -> Response:
    """The OpenAPI document."""
    return json(msgspec.json.encode(openapi.document(ADDRESSES, service.examples())))


AROUND: Final = {
    "/v1/models": around.models,
    "/healthz": around.healthz,
    "/readyz": around.readyz,
    "/metrics": around.metrics,
    "/openapi.json": document,
    "/docs": around.docs,
}


class Direct:
    """An ASGI application in which the addresses of verbs are looked up at once; whatever else comes takes
    the way through the router, which costs as much as a small network does."""

    def __init__(
        self, app: Starlette, known: Mapping[tuple[str, str], tuple[Handler, dict[str, str]]]
    ) -> None:
        self.app, self.known = app, known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self.known.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if found is None:
            await self.app(scope, receive, send)
            return
        handler, scope["path_params"] = found
        scope["app"] = self.app  # as the router does: what is wrong with a form is told by its errors then
        response = await handler(Request(scope, receive, send))
        await response(scope, receive, send)


def app_of(service: Service) -> Direct:
    """The application over a service."""
    verbs = {each: guarded(service, each.name, each.scope, each.verb) for each in ADDRESSES}
    routes = [
        Route(f"{start}/{each.path}", verb, methods=[each.method])
        for each, verb in verbs.items()
        for start in STARTS
    ]
    routes += [Route(path, _bound(service, handler)) for path, handler in AROUND.items()]
    handlers: Any = {HTTPException: no_address, Exception: unexpected}
    app = Starlette(routes=routes, exception_handlers=handlers, lifespan=service.watched)
    starts = [("/v1", {}), *((f"/v1/models/{each.name}", {"model": each.name}) for each in service.models)]
    known: dict[tuple[str, str], tuple[Handler, dict[str, str]]] = {
        (each.method, f"{start}/{each.path}"): (verb, params)
        for each, verb in verbs.items()
        for start, params in starts
        if "{" not in each.path
    }
    return Direct(app, known)


def _bound(
    service: Service, handler: Callable[[Service, Request], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    return partial(handler, service)
