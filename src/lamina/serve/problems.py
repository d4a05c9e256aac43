"""What went wrong with a request, as a problem document (RFC 9457): which field, and what to do."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.responses import Response

from lamina.errors import BusyError, DataError, LaminaError, MissingExtraError, UsageError

MEDIA_TYPE: Final = "application/problem+json"
TITLES: Final = {
    400: "The request cannot be read",
    401: "A key is needed",
    403: "This key may not do that",
    404: "There is nothing here",
    405: "This address takes another method",
    408: "The request took too long to arrive",
    409: "That cannot be done now",
    413: "The request is too large",
    415: "This kind of body is not read",
    422: "The rows cannot be answered",
    429: "Too many requests",
    500: "The server failed",
    501: "A part is not installed",
    503: "The server is busy",
}


class Problem(Exception):  # noqa: N818 (what it is called in RFC 9457)
    """A refusal: HTTP ``status``, what is wrong in words, what to do, and which field it is about.

    ``retry_after`` in seconds goes into the header of that name.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        remedy: str = "",
        *,
        field: str | None = None,
        retry_after: float | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.remedy = remedy
        self.field = field
        self.retry_after = retry_after
        self.facts = facts

    def document(self) -> dict[str, Any]:
        """The members of RFC 9457, with ``remedy`` and ``field`` beside them."""
        told: dict[str, Any] = {
            "type": f"https://lamina.invalid/problems/{self.status}",
            "title": TITLES.get(self.status, "The request was refused"),
            "status": self.status,
            "detail": self.detail,
        }
        further = {"remedy": self.remedy or None, "field": self.field, **self.facts}
        return told | {name: value for name, value in further.items() if value is not None}

    def response(self) -> Response:
        headers = {} if self.retry_after is None else {"Retry-After": str(max(1, round(self.retry_after)))}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        body = msgspec.json.encode(self.document())
        return Response(body, self.status, headers, media_type=MEDIA_TYPE)


def problem_of(error: BaseException) -> Problem:
    """What an exception means to the one who asked; what is no fault of theirs says nothing of the inside."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, MissingExtraError):
        return Problem(501, error.problem, error.remedy)
    if isinstance(error, BusyError):
        return Problem(409, error.problem, error.remedy, retry_after=10)
    if isinstance(error, UsageError | DataError):
        column = error.facts.get("column")
        named = error.facts.get("columns")
        field = str(column) if column else str(next(iter(named))) if named else None
        return Problem(422, error.problem, error.remedy, field=field)
    if isinstance(error, LaminaError):
        return Problem(500, error.problem, error.remedy)
    return Problem(500, "Something failed that should not have.", "Look into the server's log.")
