"""The body of a request as it arrives, and no more of it than is allowed."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from lamina.serve.limits import Limits
from lamina.serve.problems import Problem
from lamina.serve.room import Room

MOST_FILES, MOST_FIELDS = 1000, 10_000  # of one form


async def body_of(request: Request, limits: Limits, room: Room) -> bytes:
    """The whole body, counted while it arrives. Raises Problem 413 for a larger one than is allowed, 503
    where the bodies of all requests together take too much room."""
    _check_length(request, limits)
    content, more = bytearray(), True
    while more:  # as Request.stream, which takes longer
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        came = message.get("body", b"")
        room.take(len(came))
        content += came
        more = message.get("more_body", False)
        if len(content) > limits.body:
            raise _too_large(limits)
    return bytes(content)


async def parts_of(content: bytes, request: Request, limits: Limits) -> list[tuple[str, str | bytes]]:
    """The parts of a form, files as bytes. Raises Problem 400 for something else than a form."""
    parser = MultiPartParser(
        request.headers, _at_once(content), max_files=MOST_FILES, max_fields=MOST_FIELDS,
        max_part_size=limits.body,
    )  # fmt: skip
    parser.spool_max_size = limits.body  # what is in memory already is not written to a disk in between
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Problem(
            400, f"The form cannot be read: {error.message}", "Send multipart/form-data, as curl -F does."
        ) from error
    try:
        return [
            (name, await part.read() if isinstance(part, UploadFile) else part)
            for name, part in form.multi_items()
        ]
    finally:
        await form.close()


async def _at_once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


def headers_of(request: Request) -> dict[bytes, str]:
    """The headers by name; of one that came twice the first, as ``Request.headers`` gives it, which goes
    through all of them for every name. Read once for each request."""
    found: dict[bytes, str] | None = request.scope.get("lamina.headers")
    if found is None:
        found = {name: value.decode("latin-1") for name, value in reversed(request.scope["headers"])}
        request.scope["lamina.headers"] = found
    return found


def _check_length(request: Request, limits: Limits) -> None:
    """Raises Problem 413 for a body that says it is too long, before any of it is read."""
    length = headers_of(request).get(b"content-length", "")
    if length.isdigit() and int(length) > limits.body:
        raise _too_large(limits)


def _too_large(limits: Limits) -> Problem:
    return Problem(
        413,
        f"The body is larger than {limits.body:,} bytes.",
        "Send it in several requests, or use «lamina predict» for whole files.",
    )
