"""Addresses of tables in databases: ``sqlite:///shop.db#customers``, ``postgresql://host/shop#customers``."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from lamina.errors import UsageError, nearest

SCHEMES: Final = ("sqlite", "postgresql", "postgres")


class Address(NamedTuple):
    """A database, and the table in it where one is named (``schema.table`` is one, too)."""

    url: str
    table: str | None

    @property
    def shown(self) -> str:
        """For messages: without a password."""
        return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:…@", self.url)


def is_address(text: object) -> bool:
    """Whether it looks like the address of a database."""
    return isinstance(text, str) and text.partition("://")[0] in SCHEMES and "://" in text


def address_of(text: str) -> Address:
    """The parts of an address. Raises UsageError for another kind of database."""
    url, _, table = text.partition("#")
    scheme, found, _ = url.partition("://")
    if not found or scheme not in SCHEMES:
        raise UsageError(
            f"{text!r} is no address of a database that is read.",
            f"{nearest(scheme, SCHEMES)} Write sqlite:///FILE#TABLE or postgresql://USER@HOST/DATABASE#TABLE.",
        )
    return Address(url, table or None)


def quoted(name: str) -> str:
    """A name as SQL has it, dots between schema and table kept."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))
