"""Text tables (CSV, TSV, any delimiter): find out how the file is written, then read it at once.

The steps, one module each: the bytes become UTF-8 (``encoding``), the head of the file tells how it
is written (``dialect``), rows with too many or too few fields are set aside and reported
(``ragged``), and polars reads all the others in one pass (``text_columns``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from lamina.data.compression import COMPRESSED, recognise, unpack
from lamina.data.dialect import NO_DELIMITER, SAMPLE_ROWS, Dialect, detect_dialect
from lamina.data.encoding import Content, as_utf8, head_lines
from lamina.data.frames import check_names
from lamina.data.ragged import regular
from lamina.data.table import Table
from lamina.data.text_columns import data_rows, drop_nameless, read_columns
from lamina.errors import SourceError


def read_text(source: Path | bytes, name: str | None = None) -> Table:
    """Reads a text table from a file, or from the bytes of one.

    Columns that are plain numbers become Int64 or Float64 (missing markers become null), all
    others stay String as written (an empty cell is null).

    Raises ``SourceError`` where it is empty, has no rows or is no text; ``TableError`` where a
    name is used twice or more than a tenth of the rows are ragged.
    """
    name = name or (source.name if isinstance(source, Path) else "the data")
    content = _load(source, name)
    content, encoding = as_utf8(content, name)
    dialect = replace(detect_dialect(head_lines(content), name), encoding=encoding)
    check_names(dialect.names, name)
    written = _describe(dialect)
    content, dialect, findings = regular(content, dialect, name)
    sample = list(islice(data_rows(head_lines(content), dialect), SAMPLE_ROWS))
    if not sample:
        raise SourceError(
            f"{name} has no rows: only the header {_shown(dialect.names)}.",
            "Give a file that has rows under its header.",
            source=name,
        )
    frame = read_columns(content, dialect, sample)
    frame, notes = drop_nameless(frame, dialect)
    return Table(frame, name, (written, *notes), findings=findings)


def _load(source: Path | bytes, name: str) -> Content:
    """The file where it is plain, else its unpacked content. Raises ``SourceError`` if empty."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            head = file.read(1024)
        if recognise(head) in COMPRESSED:
            source = unpack(source)
    if not (source.stat().st_size if isinstance(source, Path) else len(source)):
        raise SourceError(f"{name} is empty (0 bytes).", "Give a file that has rows.", source=name)
    return source


def _describe(dialect: Dialect) -> str:
    """One line about the dialect, for the notes of the table."""
    shown = {"\t": "tab", " ": "space"}.get(dialect.delimiter, repr(dialect.delimiter))
    shown = "one column" if dialect.delimiter == NO_DELIMITER else f"delimiter {shown}"
    header = "" if dialect.header else ", no header"
    return f"{shown}, encoding {dialect.encoding}{header}"


def _shown(names: Sequence[str], most: int = 8) -> str:
    """Names for a message, shortened."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(repr(name) for name in names[:most]) + rest
