"""Where a table goes that is written in parts: a file, or a table of a database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from lamina.data.sql.address import Address, address_of, is_address
from lamina.data.write import IN_PARTS, ending_of, write, write_parts
from lamina.errors import UsageError
from lamina.files import check_place


class Output(ABC):
    """``shown`` in messages; ``in_parts``: whether it can be written as rows come."""

    shown: str
    in_parts: bool

    @abstractmethod
    def check(self) -> None:
        """Raises UsageError or OutputError where nothing can be written: before hours of work, not after."""

    @abstractmethod
    def put(self, parts: Iterator[pl.DataFrame]) -> int:
        """Writes frames with the same columns, whole or not at all; how many rows."""

    @abstractmethod
    def beside(self, what: str) -> Path:
        """A hidden place beside it, for what is needed until it is written."""


class File(Output):
    """A file, its format by its ending."""

    def __init__(self, path: Path) -> None:
        self.path, self.shown = path, str(path)
        self.in_parts = ending_of(path) in IN_PARTS

    def check(self) -> None:
        check_place(self.path)

    def put(self, parts: Iterator[pl.DataFrame]) -> int:
        if self.in_parts:
            return write_parts(parts, self.path)
        frame = pl.concat(list(parts))
        write(frame, self.path)
        return frame.height

    def beside(self, what: str) -> Path:
        return self.path.with_name(f".{self.path.name}.{what}")


class DatabaseTable(Output):
    """A new table of a database. Raises UsageError where the address names none."""

    in_parts = True

    def __init__(self, address: Address) -> None:
        if address.table is None:
            raise UsageError(f"{address.shown} names no table to write.", f"Write {address.shown}#ANSWERS.")
        self.address, self.table = address, address.table
        self.shown = f"{address.shown}#{self.table}"

    def check(self) -> None:
        from lamina.data.sql.database import open_database

        open_database(self.address).check_new(self.table)

    def put(self, parts: Iterator[pl.DataFrame]) -> int:
        from lamina.data.sql.database import open_database

        return open_database(self.address).write(self.table, parts)

    def beside(self, what: str) -> Path:
        return Path(f".{self.table.replace('/', '_')}.{what}")


def output_of(text: str) -> Output:
    """The output that is meant. Raises UsageError for an ending or an address that names none."""
    return DatabaseTable(address_of(text)) if is_address(text) else File(Path(text))
