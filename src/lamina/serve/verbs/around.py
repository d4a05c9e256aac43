"""What is told to those who watch the server, and to those who want to know what can be asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from lamina.serve.page import page
from lamina.serve.problems import Problem
from lamina.serve.responses import json, told
from lamina.serve.service import Service

Handler = Callable[[Service, Request], Awaitable[Response]]
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"
)


async def healthz(service: Service, request: Request) -> Response:
    """The process lives."""
    return json(b'{"status":"ok"}')


async def readyz(service: Service, request: Request) -> Response:
    """Requests are answered; where a store has another champion than the one that answers, that too."""
    if service.draining:
        return Problem(503, "The server is about to stop.", "Ask another one.", retry_after=5).response()
    behind = service.behind()
    return told({"status": "ready", "behind": behind}) if behind else json(b'{"status":"ready"}')


async def metrics(service: Service, request: Request) -> Response:
    """For Prometheus."""
    service.metrics.see(service.models, service.candidates, service.behind())
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")


async def models(service: Service, request: Request) -> Response:
    """Every model that is served."""
    return told([each.about() for each in service.models])


async def docs(service: Service, request: Request) -> Response:
    """The page for people."""
    return HTMLResponse(page(service.examples()), headers={"Content-Security-Policy": POLICY})
