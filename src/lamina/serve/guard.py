"""What stands before every verb: key, rate, time limit and measures; every refusal is a problem document."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable

from polars.exceptions import PanicException
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from lamina.serve.arriving import headers_of
from lamina.serve.asking import Asking
from lamina.serve.keys import Scope
from lamina.serve.problems import Problem, problem_of
from lamina.serve.service import Service

log = logging.getLogger("lamina.serve")
Handler = Callable[[Request], Awaitable[Response]]
Verb = Callable[[Asking], Awaitable[Response]]


def guarded(service: Service, name: str, scope: Scope, verb: Verb) -> Handler:
    """The verb as a handler; ``name`` stands in the measures."""

    async def handler(request: Request) -> Response:
        began, asking = time.perf_counter(), None
        try:
            who = allow(service, request, scope)
            served = service.models.named(request.path_params.get("model"))
            asking = Asking(service, request, served, who)
            async with asking.clock:
                response = await verb(asking)
        except TimeoutError:
            response = _late(asking).response()
        except ClientDisconnect:
            response = Response(status_code=400)
        except (Exception, PanicException) as error:
            response = refusal(error)
        finally:  # cancelled, too
            if asking is not None:
                asking.room.leave()
        model, rows = ("-", 0) if asking is None else (asking.served.name, asking.rows)
        seconds = time.perf_counter() - began
        service.metrics.told(model, name, response.status_code, rows, seconds)
        return response

    return handler


def _late(asking: Asking | None) -> Problem:
    if asking is not None and not asking.arrived:
        return Problem(408, "The body came too slowly.", "Send it again.")
    return Problem(503, "The answer took too long.", "Try again later.", retry_after=5)


def allow(service: Service, request: Request, scope: Scope) -> str:
    """Who asks. Raises Problem where the key may not do this, or asks too often."""
    key = service.keys.check(_key_of(request), scope)
    caller = key.name if key else request.client.host if request.client else "-"
    service.rates.take(caller)
    if service.draining:
        raise Problem(503, "The server is about to stop.", "Ask another one.", retry_after=5)
    return caller


def _key_of(request: Request) -> str | None:
    headers = headers_of(request)
    given = headers.get(b"authorization", "")
    if given[:7].lower() == "bearer ":
        return given[7:].strip()
    return headers.get(b"x-api-key")


def refusal(error: BaseException) -> Response:
    """The problem document for an error; what should not have happened is logged, and not told."""
    problem = problem_of(error)
    if problem.status == 500:
        log.error("a request failed", exc_info=error)
    return problem.response()


async def no_address(request: Request, error: Exception) -> Response:
    """For what the router itself refuses: addresses and methods that are not there."""
    assert isinstance(error, HTTPException)
    problem = Problem(error.status_code, f"{request.method} {request.url.path[:200]}: {error.detail}.")
    if error.status_code == 404:
        problem.remedy = "See /docs for what can be asked."
    return problem.response()


async def unexpected(request: Request, error: Exception) -> Response:
    """For what no verb caught."""
    return refusal(error)
