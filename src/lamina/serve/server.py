"""Starting, watching and stopping a server."""

from __future__ import annotations

import gc
import logging
import socket
from typing import Any, Final

import uvicorn

from lamina.errors import UsageError
from lamina.serve.app import app_of
from lamina.serve.heads import Bounded
from lamina.serve.service import Service
from lamina.serve.starting import Settings

log = logging.getLogger("lamina.serve")
BACKLOG: Final = 2048  # connections that wait to be taken


def run(service: Service, settings: Settings) -> None:
    """Serves until SIGTERM or Ctrl-C; then what has been asked is answered, and nothing new is taken."""
    config = uvicorn.Config(
        app_of(service),
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.private_key,
        timeout_graceful_shutdown=max(1, round(settings.drain)),
        limit_concurrency=settings.connections,
        access_log=False,
        log_level="warning",
        server_header=False,
        http=Bounded,
        ws="none",
    )
    _Server(config, service).run([listening(settings.host, settings.port)])


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises UsageError where that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = str(error.strerror or error).partition(" (")[0]
        raise UsageError(
            f"{host}, port {port}, cannot be listened at: {reason}.",
            "Name another --port (0 takes any that is free), or an address of this machine as --host.",
        ) from error


class _Server(uvicorn.Server):
    """Says where it listens, and says no to new requests on open connections while it stops."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self.service = service

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()  # what lives as long as the server need not be looked through again and again
        if self.started:
            scheme = "https" if self.config.is_ssl else "http"
            names = ", ".join(each.name for each in self.service.models)
            port = self.servers[0].sockets[0].getsockname()[1]
            print(f"Serving {names} at {scheme}://{self.config.host}:{port}/docs", flush=True)

    async def shutdown(self, sockets: Any = None) -> None:
        self.service.draining = True
        await super().shutdown(sockets)
