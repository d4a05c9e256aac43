"""The beginning of a request, its address and headers: neither endless nor endlessly slow."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD: Final = 64 * 1024  # bytes that may come before the headers are complete
SECONDS: Final = 30.0  # that they may take; on a new connection from its beginning


class Bounded(HttpToolsProtocol):
    """uvicorn's protocol, which itself reads headers for as long as they come: here such a connection is
    closed."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.in_head, self.head = True, 0
        self.late: asyncio.TimerHandle | None = self.loop.call_later(SECONDS, self._close)

    def on_message_begin(self) -> None:
        self.in_head, self.head = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self.in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.in_head:
            self._on_time()
            return
        self.head += len(data)
        if self.head > MOST_HEAD:
            self._close()
        elif self.late is None:
            self.late = self.loop.call_later(SECONDS, self._close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_time()
        super().connection_lost(exc)

    def _on_time(self) -> None:
        if self.late is not None:
            self.late.cancel()
            self.late = None

    def _close(self) -> None:
        self._on_time()
        if not self.transport.is_closing():
            self.transport.close()
