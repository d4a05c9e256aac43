"""Starting, watching and stopping a server."""

from __future__ import annotations

import ipaddress
import logging
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from lamina.errors import UsageError
from lamina.model import load
from lamina.serve.app import Service
from lamina.serve.keys import Keys
from lamina.serve.limits import Limits
from lamina.serve.living import Living
from lamina.serve.models import Models
from lamina.serve.rates import Rates
from lamina.serve.served import Served
from lamina.store.engines import Wanted
from lamina.stores import Store

log = logging.getLogger("lamina.serve")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a server is reached, and by whom.

    ``keys``: a file of API keys; ``rate`` requests a second and caller (0: no limit), ``burst`` at once;
    ``certificate`` and ``private_key``: files for TLS; ``open_to_all``: without keys also beyond this
    machine; ``drain`` seconds that requests may take to end when the server stops; at most
    ``connections`` are open at once. ``log``: what a store answers is kept in its log.
    ``engine``: what answers; «auto» is ONNX Runtime where a model was exported.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    keys: Path | None = None
    rate: float = 0.0
    burst: float = 100.0
    certificate: Path | None = None
    private_key: Path | None = None
    open_to_all: bool = False
    drain: float = 30.0
    log: bool = False
    engine: Wanted = "auto"
    connections: int = 1000
    limits: Limits = Limits()


def service_for(places: list[Path], settings: Settings) -> Service:
    """The service over these model files and stores, each under the name of its file or folder."""
    check(settings)
    served: dict[str, Served] = {}
    living: dict[str, Living] = {}
    for place in places:
        name = place.resolve().stem
        if name in served:
            raise UsageError(
                f"Two models are called {name!r}.", "Rename one of them: the name is the address."
            )
        if place.is_dir():
            living[name] = Living(name, Store(place, engine=settings.engine), logs=settings.log)
            served[name] = living[name].champion()
        else:
            served[name] = Served(name, load(place, engine=settings.engine), version_of(place))
    keys = Keys({}) if settings.keys is None else Keys.read(settings.keys)
    rates = Rates(settings.rate, settings.burst)
    return Service(Models(served, settings.limits), keys, rates, settings.limits, living)


def version_of(place: Path) -> str:
    """What tells one version of a file from another: the beginning of its hash."""
    import hashlib

    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def check(settings: Settings) -> None:
    """Raises UsageError for a server that anybody could use by mistake, or half a pair of TLS files."""
    if settings.keys is None and not settings.open_to_all and not _loopback(settings.host):
        raise UsageError(
            f"Without keys, anybody who reaches {settings.host} could use the model.",
            "Make keys (lamina keys add keys.json NAME --scope predict) and name them with --keys, or say "
            "--open-to-all.",
            host=settings.host,
        )
    if (settings.certificate is None) != (settings.private_key is None):
        raise UsageError(
            "TLS takes a certificate and its private key.", "Name both: --certificate and --private-key."
        )


def run(service: Service, settings: Settings) -> None:
    """Serves until SIGTERM or Ctrl-C; then what has been asked is answered, and nothing new is taken."""
    config = uvicorn.Config(
        service.app(),
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.private_key,
        timeout_graceful_shutdown=max(1, round(settings.drain)),
        limit_concurrency=settings.connections,
        access_log=False,
        log_level="warning",
        server_header=False,
        **_parser(),
    )
    _Server(config, service).run()


class _Server(uvicorn.Server):
    """Says where it listens, and says no to new requests on open connections while it stops."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self.service = service

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            scheme = "https" if self.config.is_ssl else "http"
            names = ", ".join(each.name for each in self.service.models)
            port = self.servers[0].sockets[0].getsockname()[1]
            print(f"Serving {names} at {scheme}://{self.config.host}:{port}/docs", flush=True)

    async def shutdown(self, sockets: Any = None) -> None:
        self.service.draining = True
        await super().shutdown(sockets)


def _parser() -> dict[str, Any]:
    """The faster parser where it is installed; headers are bounded either way."""
    return {"h11_max_incomplete_event_size": 64 * 1024}


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
