"""The body of a request as it arrives, and no more of it than is allowed."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from lamina.serve.limits import Limits
from lamina.serve.problems import Problem

MOST_FILES, MOST_FIELDS = 1000, 10_000  # of one form


async def body_of(request: Request, limits: Limits) -> bytes:
    """The whole body, counted while it arrives. Raises Problem 413."""
    _check_length(request, limits)
    content, more = bytearray(), True
    while more:  # as Request.stream, which takes longer
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        content += message.get("body", b"")
        more = message.get("more_body", False)
        if len(content) > limits.body:
            raise _too_large(limits)
    return bytes(content)


async def form_of(request: Request, limits: Limits) -> list[tuple[str, Any]]:
    """The parts of a form, files as bytes. Raises Problem 400 or 413."""
    if not _check_length(request, limits):
        raise Problem(400, "The form does not say how long it is.", "Send a Content-Length.")
    try:
        form = await request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=limits.body)
    except HTTPException as error:
        raise Problem(
            400, f"The form cannot be read: {error.detail}", "Send multipart/form-data, as curl -F does."
        ) from error
    try:
        return [
            (name, await part.read() if isinstance(part, UploadFile) else part)
            for name, part in form.multi_items()
        ]
    finally:
        await form.close()


def headers_of(request: Request) -> dict[bytes, str]:
    """The headers by name; of one that came twice the first, as ``Request.headers`` gives it, which goes
    through all of them for every name. Read once for each request."""
    found: dict[bytes, str] | None = request.scope.get("lamina.headers")
    if found is None:
        found = {name: value.decode("latin-1") for name, value in reversed(request.scope["headers"])}
        request.scope["lamina.headers"] = found
    return found


def _check_length(request: Request, limits: Limits) -> bool:
    """Whether the request says how long it is. Raises Problem 413 where that is too long."""
    length = headers_of(request).get(b"content-length", "")
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
