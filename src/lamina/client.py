"""A served model from afar: the verbs of ``Model``, over HTTP."""

from __future__ import annotations

import asyncio
import io
import itertools
import time
from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec
import polars as pl

from lamina.data.frames import like
from lamina.data.read import read
from lamina.errors import LaminaError, MissingExtraError, UsageError

try:
    import httpx2 as httpx
except ImportError as error:
    raise MissingExtraError("Asking a server", "client") from error

if TYPE_CHECKING:
    from lamina.decisions.costs import Costs
    from lamina.decisions.limits import Limit
    from lamina.predictions.explain.records import Explanation

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

    def _table(self, verb: str, data: Any, **beside: Any) -> dict[str, Any]:
        """The request for a table of answers: a frame goes as Arrow, what stands beside it in the address."""
        buffer = io.BytesIO()
        read(data).frame.write_ipc(buffer)
        return {
            "method": "POST",
            "url": f"{self.url}/{verb}",
            "content": buffer.getvalue(),
            "headers": {"Content-Type": ARROW, "Accept": ARROW},
            "params": {name: msgspec.json.encode(told).decode() for name, told in beside.items() if told},
        }

    def _decide(self, data: Any, costs: Costs | None, limits: Sequence[Limit]) -> dict[str, Any]:
        return self._table("decide", data, costs=costs and costs.to_json(), limits=list(limits))

    def _explain(self, data: Any, background: Any, **beside: Any) -> dict[str, Any]:
        """The request for explanations: rows and those to compare with as JSON, files in base64."""
        document = {"rows": read(data).frame.to_dicts(), **beside}
        if background is not None:
            document["background"] = read(background).frame.to_dicts()
        content, headers = msgspec.json.encode(document), {"Content-Type": "application/json"}
        return {"method": "POST", "url": f"{self.url}/explain", "content": content, "headers": headers}

    def _get(self, what: str) -> dict[str, Any]:
        return {"method": "GET", "url": f"{self.url}/{what}"}

    def _tries(self) -> Generator[float, httpx.Response | httpx.TransportError, bytes]:
        """How often to send a request, and when: gives the seconds to wait before every try, is told what
        came of it, and returns the content. Raises ServerError with what the server says at last."""
        wait: float | None = 0.0
        for tried in itertools.count():
            came = yield wait or 0.0
            wait = self._wait(tried, came)
            if wait is not None:
                continue
            if isinstance(came, httpx.TransportError):
                raise self._unreached(came) from came
            return self._checked(came)
        raise AssertionError("the loop ends above")

    def _wait(self, tried: int, came: httpx.Response | httpx.TransportError) -> float | None:
        """Seconds until the next try; None where there is no point in another."""
        response = came if isinstance(came, httpx.Response) else None
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
        return like(_frame(self._ask(self._table("predict", data))), data)

    def decide(self, data: Any, costs: Costs | None = None, *, limits: Sequence[Limit] = ()) -> Any:
        """The best action for each row, as ``Model.decide``; without ``costs`` by those of the server."""
        return like(_frame(self._ask(self._decide(data, costs, limits))), data)

    def explain(
        self,
        data: Any,
        *,
        background: Any = None,
        what: str = "columns",
        of: str | None = None,
        seed: int = 0,
    ) -> Explanation:
        """Why the rows are answered as they are, as ``Model.explain``; few rows at once. Compared with
        ``background``, by default that of the server, else the rows themselves."""
        return _explanation(self._ask(self._explain(data, background, what=what, of=of, seed=seed)))

    def feedback(self, data: Any) -> Mapping[str, Any]:
        """Tells what really happened: rows with their ids and the target; how many were joined."""
        return _json(self._ask(self._table("feedback", data)))

    def schema(self) -> Mapping[str, Any]:
        """The columns that the model reads."""
        return _json(self._ask(self._get("schema")))

    def model(self) -> Mapping[str, Any]:
        """What the model is: name, version, target, scores."""
        return _json(self._ask(self._get("model")))

    def _ask(self, request: Mapping[str, Any]) -> bytes:
        tries = self._tries()
        wait = next(tries)
        try:
            while True:
                time.sleep(wait)
                wait = tries.send(self._sent(request))
        except StopIteration as end:
            return end.value

    def _sent(self, request: Mapping[str, Any]) -> httpx.Response | httpx.TransportError:
        try:
            return self._pool.request(**request)
        except httpx.TransportError as error:
            return error

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
        """As ``Client.predict``."""
        return like(_frame(await self._ask(self._table("predict", data))), data)

    async def decide(self, data: Any, costs: Costs | None = None, *, limits: Sequence[Limit] = ()) -> Any:
        """As ``Client.decide``."""
        return like(_frame(await self._ask(self._decide(data, costs, limits))), data)

    async def explain(
        self,
        data: Any,
        *,
        background: Any = None,
        what: str = "columns",
        of: str | None = None,
        seed: int = 0,
    ) -> Explanation:
        """As ``Client.explain``."""
        asked = self._explain(data, background, what=what, of=of, seed=seed)
        return _explanation(await self._ask(asked))

    async def feedback(self, data: Any) -> Mapping[str, Any]:
        """As ``Client.feedback``."""
        return _json(await self._ask(self._table("feedback", data)))

    async def schema(self) -> Mapping[str, Any]:
        """The columns that the model reads."""
        return _json(await self._ask(self._get("schema")))

    async def model(self) -> Mapping[str, Any]:
        """What the model is: name, version, target, scores."""
        return _json(await self._ask(self._get("model")))

    async def _ask(self, request: Mapping[str, Any]) -> bytes:
        tries = self._tries()
        wait = next(tries)
        try:
            while True:
                await asyncio.sleep(wait)
                wait = tries.send(await self._sent(request))
        except StopIteration as end:
            return end.value

    async def _sent(self, request: Mapping[str, Any]) -> httpx.Response | httpx.TransportError:
        try:
            return await self._pool.request(**request)
        except httpx.TransportError as error:
            return error

    async def close(self) -> None:
        """Closes the connections."""
        await self._pool.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _frame(content: bytes) -> pl.DataFrame:
    return pl.read_ipc(io.BytesIO(content))


def _json(content: bytes) -> Mapping[str, Any]:
    return msgspec.json.decode(content, type=dict[str, Any])


def _explanation(content: bytes) -> Explanation:
    from lamina.predictions.explain.records import Explanation

    return msgspec.convert(_json(content)["explanation"], Explanation)
