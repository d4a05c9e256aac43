"""Who may do what: API keys with scopes, of which only hashes are kept.

A key is ``lk_<name>_<secret>`` with 256 random bits in the secret, so a plain SHA-256 of it cannot be guessed
back, and checking one costs microseconds. The file is JSON, readable by its owner alone.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, get_args

import msgspec

from lamina.errors import UsageError, nearest
from lamina.files import written_whole
from lamina.serve.problems import Problem

Scope = Literal["predict", "feedback", "learn", "admin"]
SCOPES: Final[tuple[str, ...]] = get_args(Scope)
MOST_KEYS: Final = 10_000
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it is kept: never the secret itself. ``admin`` may do everything."""

    name: str
    scopes: tuple[Scope, ...]
    sha256: str
    made: str

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or "admin" in self.scopes


class Keys:
    """The keys of one server; none: everybody who reaches it may do everything."""

    def __init__(self, keys: Mapping[str, Key]) -> None:
        self.keys = dict(keys)

    @classmethod
    def read(cls, path: str | Path) -> Keys:
        """The keys in a file. Raises UsageError where it cannot be read."""
        try:
            found = msgspec.json.decode(Path(path).read_bytes(), type=list[Key])
        except (OSError, msgspec.DecodeError) as error:
            raise UsageError(
                f"The keys in {path} cannot be read ({error}).",
                f"Make them with: lamina keys add {path} NAME --scope predict",
                path=str(path),
            ) from error
        return cls({key.name: key for key in found[:MOST_KEYS]})

    def check(self, given: str | None, scope: Scope) -> Key | None:
        """The key that was given, if it may do this; None where no keys are asked for.

        Raises Problem 401 for no key or a wrong one, 403 for one without the scope.
        """
        if not self.keys:
            return None
        key = self._known(given or "")
        if key is None:
            raise Problem(
                401,
                "No key came with the request, or one that is not known.",
                "Send the header «Authorization: Bearer lk_…».",
            )
        if not key.may(scope):
            raise Problem(
                403,
                f"The key {key.name!r} may {', '.join(key.scopes)}, and this takes {scope!r}.",
                "Ask for a key with that scope.",
            )
        return key

    def _known(self, given: str) -> Key | None:
        name = given.removeprefix("lk_").rpartition("_")[0]
        key = self.keys.get(name)
        told = hashed(given)  # computed for unknown names, too: both take equally long
        return key if key is not None and hmac.compare_digest(key.sha256, told) else None


def hashed(key: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def add_key(path: str | Path, name: str, scopes: tuple[str, ...]) -> str:
    """Makes a key, keeps its hash in the file, and returns the key: it is shown this once."""
    path = Path(path)
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a key.", "Use small letters, digits and hyphens, 40 at most."
        )
    for scope in scopes:
        if scope not in SCOPES:
            raise UsageError(f"There is no scope {scope!r}.", nearest(scope, SCOPES))
    keys = Keys.read(path).keys if path.exists() else {}
    if name in keys:
        raise UsageError(
            f"There is a key {name!r} already.", f"Remove it first: lamina keys remove {path} {name}"
        )
    secret = f"lk_{name}_{secrets.token_hex(32)}"
    made = datetime.now(UTC).isoformat(timespec="seconds")
    keys[name] = Key(name=name, scopes=scopes, sha256=hashed(secret), made=made)  # type: ignore[arg-type]
    _write(path, keys)
    return secret


def remove_key(path: str | Path, name: str) -> None:
    """Takes a key away. Raises UsageError where there is none of that name."""
    keys = Keys.read(path).keys
    if keys.pop(name, None) is None:
        raise UsageError(f"There is no key {name!r} in {path}.", nearest(name, keys))
    _write(Path(path), keys)


def _write(path: Path, keys: Mapping[str, Key]) -> None:
    with written_whole(path) as waiting:
        descriptor = os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(list(keys.values())), indent=1))
