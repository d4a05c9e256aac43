"""From files and settings to a service: models, stores, candidates, keys, costs."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from lamina.data.media_cells import MEDIA_KINDS
from lamina.data.read import read
from lamina.decisions.costs import Costs
from lamina.errors import UsageError, nearest
from lamina.files import sha256_of
from lamina.model import Model, load
from lamina.records import Schema
from lamina.serve.candidate import Candidate, check_alike
from lamina.serve.given import Givens
from lamina.serve.keys import Keys
from lamina.serve.limits import Limits
from lamina.serve.living import Living, Logging
from lamina.serve.models import Models
from lamina.serve.rates import Rates
from lamina.serve.served import Served
from lamina.serve.service import Service
from lamina.store.engines import Wanted
from lamina.stores import Store


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a server is reached, and by whom.

    ``keys``: a file of API keys; ``rate`` requests a second and caller (0: no limit), ``burst`` at once;
    ``certificate`` and ``private_key``: files for TLS; ``open_to_all``: without keys also beyond this
    machine; ``drain`` seconds that requests may take to end when the server stops; at most
    ``connections`` are open at once. ``log``: what a store answers is kept in its log: of a
    ``log_share`` of the rows, with these ``log_columns`` of them. ``candidate``: a file, or a version of the
    store, that answers a ``share`` of the rows and the others silently. ``costs``: a table of
    costs to decide by; ``background``: rows that explanations compare with. ``engine``: what answers; «auto»
    is ONNX Runtime where a model was exported.
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
    log_share: float = 1.0
    log_columns: tuple[str, ...] = ()
    candidate: str | None = None
    share: float = 0.0
    costs: Path | None = None
    background: Path | None = None
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
            living[name] = Living(name, Store(place, engine=settings.engine), logs=_logging(settings))
            served[name] = living[name].champion()
            check_columns(served[name].schema, settings.log_columns)
        else:
            served[name] = Served(name, load(place, engine=settings.engine), sha256_of(place)[:12])
    keys = Keys({}) if settings.keys is None else Keys.read(settings.keys)
    rates = Rates(settings.rate, settings.burst)
    candidates = _candidates(settings, served, living)
    return Service(
        Models(served), keys, rates, settings.limits,
        living=living, candidates=candidates, givens=_givens(settings),
    )  # fmt: skip


def _logging(settings: Settings) -> Logging | None:
    return Logging(settings.log_share, settings.log_columns) if settings.log else None


def check_columns(schema: Schema, columns: Sequence[str]) -> None:
    """Raises UsageError for columns that the log cannot keep."""
    for name in columns:
        if name not in schema:
            raise UsageError(
                f"The model reads no column {name!r}.", nearest(name, [each.name for each in schema])
            )
        if schema[name].kind in MEDIA_KINDS:
            raise UsageError(f"{name!r} holds files, and the log keeps words and numbers.", "Leave it out.")


def _candidates(
    settings: Settings, served: dict[str, Served], living: dict[str, Living]
) -> dict[str, Candidate]:
    """The candidate, beside the only model."""
    if settings.candidate is None:
        return {}
    if len(served) != 1 or not 0 <= settings.share <= 1:
        raise UsageError(
            f"A candidate stands beside one model and takes a share from 0 to 1; there are {len(served)} "
            f"models, and the share is {settings.share:g}.",
            "Serve one model, and name a share such as 0.1.",
        )
    ((name, champion),) = served.items()
    place, store = Path(settings.candidate), living.get(name)
    if store is None or place.is_file():
        if settings.log and settings.share:
            raise UsageError(
                "What a file answers cannot be logged: it is no version of the store.",
                f"Add it: lamina add {name} {place} --no-champion, and name its version.",
            )
        beside = Served(name, load(place, engine=settings.engine), sha256_of(place)[:12])
    else:
        version = store.store.opened.version(settings.candidate)
        beside = Served(name, Model(*store.store.opened.parts(version, settings.engine)[1]), str(version))
    check_alike(champion, beside)
    key = None if store is None else store.store.opened.log.setting("id")
    return {name: Candidate(beside, settings.share, key)}


def _givens(settings: Settings) -> Givens:
    """What the server is given for requests. Raises UsageError or DataError where a file is no such thing."""
    costs = None if settings.costs is None else Costs.from_csv(settings.costs)
    background = None if settings.background is None else read(settings.background).frame
    if background is not None and background.height > settings.limits.background:
        rows = np.linspace(0, background.height - 1, settings.limits.background).astype(np.int64)
        background = background[rows]
    return Givens(costs, background)


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
    if settings.certificate is not None:
        _check_pair(settings.certificate, settings.private_key)


def _check_pair(certificate: Path, private_key: Path | None) -> None:
    """Raises UsageError for files that are no certificate and its key."""
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, private_key)
    except OSError as error:  # ssl.SSLError is one
        raise UsageError(
            f"{certificate} and {private_key} cannot be used for TLS: {error.strerror or error}.",
            "Name a certificate and its private key, both PEM files.",
        ) from error


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
