"""The ASGI application: every address leads to its verb."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lamina.serve import openapi
from lamina.serve.addresses import ADDRESSES, STARTS
from lamina.serve.guard import guarded, no_address, unexpected
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


def app_of(service: Service) -> Starlette:
    """The application over a service."""
    routes = [
        Route(
            f"{start}/{each.path}", guarded(service, each.name, each.scope, each.verb), methods=[each.method]
        )
        for each in ADDRESSES
        for start in STARTS
    ]
    routes += [Route(path, _bound(service, handler)) for path, handler in AROUND.items()]
    handlers: Any = {HTTPException: no_address, Exception: unexpected}
    return Starlette(routes=routes, exception_handlers=handlers, lifespan=service.watched)


def _bound(
    service: Service, handler: Callable[[Service, Request], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    return partial(handler, service)
