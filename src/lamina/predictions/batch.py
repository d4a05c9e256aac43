"""Answers for tables of any length, in bounded memory: what was interrupted goes on where it was.

Beside the output lies a folder for as long as the work lasts. Every part of the rows that is answered is one
file in it, written whole; what could not be read so far lies beside. A later run of the same work (the same
model, rows and options, by their hashes) finds the parts and does the others; then all are written as one
output, whole or not at all, and the folder goes. So no row is answered twice in the output, and none is lost,
whenever the process ends; and the output is the same, byte for byte.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl
from filelock import FileLock, Timeout

from lamina.data.conform import InParts
from lamina.data.large import rows_at_once
from lamina.data.lost import Lost
from lamina.data.media_cells import MEDIA_KINDS
from lamina.data.table import Table
from lamina.errors import BusyError, OutputError
from lamina.files import written_whole
from lamina.predictions.predict import predict
from lamina.progress import Bar
from lamina.records import Finding
from lamina.training.fitted import Fitted
from lamina.version import __version__

AT_ONCE: Final = 65_536  # rows in one part, at most
MEDIA_AT_ONCE: Final = 1000  # of pictures, recordings or clips

# The rows of a part as read and their answers → what is put out of them
Shaped = Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]


class Batch:
    """The answers for a table, kept in a folder while they are found.

    ``work`` names what the answers depend on besides the table's length and columns: hashes of the model and
    the rows, options. A folder of other work is begun anew. ``shaped`` makes of rows and answers what is put
    out.
    """

    def __init__(
        self,
        fitted: Fitted,
        table: Table,
        folder: Path,
        work: Mapping[str, Any],
        shaped: Shaped,
        **asked: Any,
    ) -> None:
        self.fitted, self.table, self.folder, self.shaped, self.asked = fitted, table, folder, shaped, asked
        self.rows = rows_in_part(fitted, table)
        self.parts = table.count_parts(self.rows)
        told = [__version__, work, asked, self.rows, len(table), table.columns]
        self.work = hashlib.sha256(msgspec.json.encode(told, order="deterministic")).hexdigest()
        self.found = 0  # parts that an earlier run has answered
        self.findings: tuple[Finding, ...] = ()

    def run(self, put: Callable[[Iterator[pl.DataFrame]], int]) -> int:
        """Answers what is not answered yet and has all ``put`` out; how many rows.

        Raises BusyError where another process is at the same output, ColumnError for columns that hold
        something else than they should."""
        with self._alone():
            self._answer_all()
            count = put(pl.read_parquet(self._part(number)) for number in range(self.parts))
            shutil.rmtree(self.folder, ignore_errors=True)
        return count

    def _answer_all(self) -> None:
        """Every part that is not there, in order."""
        seen = self._begun()
        conforming = InParts(self.table, self.fitted.schema, seen)
        done = self.found * self.rows
        with Bar("predicting", len(self.table)) as bar:
            bar.at(done)
            parts = self.table.parts(self.rows, skip=self.found)
            for number, part in enumerate(parts, self.found):
                answers = predict(self.fitted, conforming.part(part), **self.asked)[0]
                self._keep(number, self.shaped(part, answers), conforming.seen)
                done += part.height
                bar.at(done)
        self.findings = (*self.table.findings, *conforming.findings())

    def _keep(self, number: int, told: pl.DataFrame, seen: Mapping[str, Lost]) -> None:
        """What was seen first: a part that is there is one whose count is there, too."""
        self._seen(number).write_bytes(msgspec.json.encode(seen))
        with written_whole(self._part(number)) as waiting:
            told.write_parquet(waiting, compression="lz4")
            with waiting.open("rb+") as file:
                os.fsync(file.fileno())

    def _begun(self) -> dict[str, Lost] | None:
        """What was lost in the parts that an earlier run of the same work answered, and how many they are."""
        mark = self.folder / "work"
        if not mark.is_file() or mark.read_text() != self.work:
            for each in self.folder.iterdir():
                if each.name != "lock":
                    each.unlink()
            mark.write_text(self.work)
        while self.found < self.parts and self._part(self.found).is_file():
            self.found += 1
        if not self.found:
            return None
        return msgspec.json.decode(self._seen(self.found - 1).read_bytes(), type=dict[str, Lost])

    def _part(self, number: int) -> Path:
        return self.folder / f"{number:06d}.parquet"

    def _seen(self, number: int) -> Path:
        return self.folder / f"{number:06d}.json"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time works in the folder; the lock goes with a process that ends."""
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{self.folder} cannot be made ({error.strerror}).",
                "Name another place.",
                path=str(self.folder),
            ) from error
        try:
            with FileLock(self.folder / "lock", timeout=0, thread_local=False):
                yield
        except Timeout:
            raise BusyError(
                f"Another process is answering into {self.folder} at the moment.",
                "Wait for it, or name another output.",
                path=str(self.folder),
            ) from None


def rows_in_part(fitted: Fitted, table: Table) -> int:
    """How many rows are answered, and kept, at once."""
    media = any(feature.kind in MEDIA_KINDS for feature in fitted.features)
    return MEDIA_AT_ONCE if media else min(AT_ONCE, rows_at_once(len(table.columns)))
