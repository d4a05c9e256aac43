"""The body of a request as it arrives, and no more of it than is allowed."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request

from lamina.serve.limits import Limits
from lamina.serve.problems import Problem

MOST_FILES, MOST_FIELDS = 1000, 10_000  # of one form


async def body_of(request: Request, limits: Limits) -> bytes:
    """The whole body, counted while it arrives. Raises Problem 413."""
    _check_length(request, limits)
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > limits.body:
            raise _too_large(limits)
    return bytes(content)


async def form_of(request: Request, limits: Limits) -> list[tuple[str, Any]]:
    """The parts of a form, files as bytes. Raises Problem 400 or 413."""
    if not _check_length(request, limits):
        raise Problem(400, "The form does not say how long it is.", "Send a Content-Length.")
    form = await request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=limits.body)
    try:
        return [
            (name, await part.read() if isinstance(part, UploadFile) else part)
            for name, part in form.multi_items()
        ]
    finally:
        await form.close()


def _check_length(request: Request, limits: Limits) -> bool:
    """Whether the request says how long it is. Raises Problem 413 where that is too long."""
    length = request.headers.get("content-length", "")
    if not length.isdigit():
        return False
    if int(length) > limits.body:
        raise _too_large(limits)
    return True


def _too_large(limits: Limits) -> Problem:
    return Problem(
        413,
        f"The body is larger than {limits.body:,} bytes.",
        "Send it in several requests, or use «lamina predict» for whole files.",
    )
