"""A served model from afar: the verbs of ``Model``, over HTTP."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Mapping
from typing import Any, Final, Self

import msgspec
import polars as pl

from lamina.data.frames import like
from lamina.data.read import read
from lamina.errors import LaminaError, MissingExtraError, UsageError

try:
    import httpx2 as httpx
except ImportError as error:
    raise MissingExtraError("Asking a server", "client") from error

ARROW: Final = "application/vnd.apache.arrow.file"
AGAIN: Final = frozenset({429, 503})  # what a server says when it is only busy
LONGEST_WAIT: Final = 30.0  # seconds between two tries, whatever the server asks for


class ServerError(LaminaError):
    """The server refused, or could not be reached; ``status`` is its HTTP status (0: not reached)."""


class _Requests:
    """What both clients say to the server, and how they understand its answers."""

    def __init__(self, url: str, *, key: str | None = None, retries: int = 3, timeout: float = 60.0) -> None:
        """``url`` of the server, or of one of its models (``…/v1/models/NAME``)."""
        if not url.startswith(("http://", "https://")):
            raise UsageError(f"{url!r} is no address of a server.", "Write http://HOST:PORT.")
        self.url = url.rstrip("/") if "/v1" in url else url.rstrip("/") + "/v1"
        self.headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self.retries = retries
        self.timeout = timeout

    def _predict(self, data: Any) -> dict[str, Any]:
        """The request for answers: a frame goes as Arrow."""
        buffer = io.BytesIO()
        read(data).frame.write_ipc(buffer)
        headers = {"Content-Type": ARROW, "Accept": ARROW}
        return {
            "method": "POST",
            "url": f"{self.url}/predict",
            "content": buffer.getvalue(),
            "headers": headers,
        }

    def _get(self, what: str) -> dict[str, Any]:
        return {"method": "GET", "url": f"{self.url}/{what}"}

    def _wait(self, tried: int, response: httpx.Response | None) -> float | None:
        """Seconds until the next try; None where there is no point in another."""
        if tried >= self.retries or (response is not None and response.status_code not in AGAIN):
            return None
        told = "" if response is None else response.headers.get("retry-after", "")
        return min(LONGEST_WAIT, float(told) if told.isdigit() else 0.2 * 2**tried)

    def _checked(self, response: httpx.Response) -> bytes:
        """The content. Raises ServerError with what the server says."""
        if response.is_success:
            return response.content
        try:
            told = msgspec.json.decode(response.content, type=dict[str, Any])
        except msgspec.DecodeError:
            told = {}
        raise ServerError(
            str(told.get("detail", f"The server answered {response.status_code}.")),
            str(told.get("remedy") or "Look into the server's log."),
            status=response.status_code,
            field=told.get("field"),
        )

    def _unreached(self, error: Exception) -> ServerError:
        return ServerError(
            f"{self.url} cannot be reached: {error}.",
            "Check the address, and that the server runs.",
            status=0,
        )


class Client(_Requests):
    """A model behind a server.

    >>> client = Client("http://127.0.0.1:8000")                                      # doctest: +SKIP
    >>> answers = client.predict("new.csv")                                           # doctest: +SKIP
    """

    def __init__(self, url: str, *, key: str | None = None, retries: int = 3, timeout: float = 60.0) -> None:
        super().__init__(url, key=key, retries=retries, timeout=timeout)
        self._pool = httpx.Client(headers=self.headers, timeout=timeout)

    def predict(self, data: Any) -> Any:
        """Answers for the rows of ``data``: a file or a frame; the frame type that came in."""
        return like(_frame(self._ask(self._predict(data))), data)

    def schema(self) -> Mapping[str, Any]:
        """The columns that the model reads."""
        return msgspec.json.decode(self._ask(self._get("schema")), type=dict[str, Any])

    def model(self) -> Mapping[str, Any]:
        """What the model is: name, version, target, scores."""
        return msgspec.json.decode(self._ask(self._get("model")), type=dict[str, Any])

    def _ask(self, request: Mapping[str, Any]) -> bytes:
        tried = 0
        while True:
            try:
                response = self._pool.request(**request)
            except httpx.TransportError as error:
                wait = self._wait(tried, None)
                if wait is None:
                    raise self._unreached(error) from error
            else:
                wait = self._wait(tried, response)
                if wait is None:
                    return self._checked(response)
            time.sleep(wait)
            tried += 1

    def close(self) -> None:
        """Closes the connections."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncClient(_Requests):
    """The same for asyncio."""

    def __init__(self, url: str, *, key: str | None = None, retries: int = 3, timeout: float = 60.0) -> None:
        super().__init__(url, key=key, retries=retries, timeout=timeout)
        self._pool = httpx.AsyncClient(headers=self.headers, timeout=timeout)

    async def predict(self, data: Any) -> Any:
        """Answers for the rows of ``data``: a file or a frame; the frame type that came in."""
        return like(_frame(await self._ask(self._predict(data))), data)

    async def schema(self) -> Mapping[str, Any]:
        """The columns that the model reads."""
        return msgspec.json.decode(await self._ask(self._get("schema")), type=dict[str, Any])

    async def model(self) -> Mapping[str, Any]:
        """What the model is: name, version, target, scores."""
        return msgspec.json.decode(await self._ask(self._get("model")), type=dict[str, Any])

    async def _ask(self, request: Mapping[str, Any]) -> bytes:
        tried = 0
        while True:
            try:
                response = await self._pool.request(**request)
            except httpx.TransportError as error:
                wait = self._wait(tried, None)
                if wait is None:
                    raise self._unreached(error) from error
            else:
                wait = self._wait(tried, response)
                if wait is None:
                    return self._checked(response)
            await asyncio.sleep(wait)
            tried += 1

    async def close(self) -> None:
        """Closes the connections."""
        await self._pool.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _frame(content: bytes) -> pl.DataFrame:
    return pl.read_ipc(io.BytesIO(content))
