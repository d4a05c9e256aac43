"""Large CSV files and JSON lines that are answered in parts: written as Parquet first, in bounded memory.

What a column holds is decided by all its cells, as where a file is read whole (``text_columns``), and the
cells come out the same. So the file is gone through several times: for how it is written, for the types, and
to write it. What this cannot do in bounded memory is left to the ordinary way: other encodings than UTF-8,
rows with too many or too few fields, columns that name pictures and the like.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl

from lamina.data import media_folders
from lamina.data.compression import COMPRESSED, head_of, open_unpacked, recognise
from lamina.data.dialect import NAME, SAMPLE_ROWS, Dialect, detect_dialect
from lamina.data.encoding import as_utf8, head_lines, is_utf8_with_line_feeds
from lamina.data.frames import check_names
from lamina.data.large import HEAD, LargeTable
from lamina.data.ragged import is_regular
from lamina.data.text_columns import (
    as_kind,
    as_written,
    data_rows,
    guessed,
    kind_by,
    what_cells_tell,
    zero_doubts,
)
from lamina.files import written_whole

LARGE: Final = 32 << 20  # bytes from which on a file is worth it; packed ones a tenth
TEXTS: Final = frozenset({".csv", ".tsv", ".tab", ".txt"})
LINES: Final = frozenset({".ndjson", ".jsonl"})
ROWS: Final = 65_536  # in a group of rows of the Parquet file


class Staged(msgspec.Struct, frozen=True):
    """Which file it was when it was written as Parquet, and which columns have how many rows."""

    path: str
    bytes: int
    time: int
    rows: int
    columns: list[str]


def worth_staging(path: Path) -> bool:
    """Whether it is a text table or JSON lines, by its name and first bytes, and large."""
    if not path.is_file() or _ending(path) not in TEXTS | LINES:
        return False
    packed = recognise(head_of(path))
    if packed is not None and packed not in COMPRESSED - {"zstd"}:
        return False
    return path.stat().st_size >= (LARGE // 10 if packed else LARGE)


def staged(path: Path, folder: Path) -> LargeTable | None:
    """The rows of a file from ``folder``: those that an earlier run wrote of the same file, else written now.

    None where the file must be read whole. Raises TableError for a name that is used twice."""
    whole = folder / "rows.json"
    told = path.stat()
    own = (str(path.resolve()), told.st_size, told.st_mtime_ns)
    if whole.is_file():
        found = msgspec.json.decode(whole.read_bytes(), type=Staged)
        if (found.path, found.bytes, found.time) == own:
            return _table(path, folder, found)
        whole.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    content = _plain(path, folder)
    columns = (
        _lines(content, folder, path.name) if _ending(path) in LINES else _texts(content, folder, path.name)
    )
    if columns is None:
        return None
    rows = int(pl.scan_parquet(_rows(folder)).select(pl.len()).collect().item())
    made = Staged(*own, rows, columns)
    with written_whole(whole) as waiting:
        waiting.write_bytes(msgspec.json.encode(made))
    for each in folder.glob("*.scratch"):
        each.unlink()
    return _table(path, folder, made)


def _table(path: Path, folder: Path, told: Staged) -> LargeTable:
    schema = pl.scan_parquet(_rows(folder)).collect_schema()
    columns = pl.Schema({name: schema[name] for name in told.columns})
    return LargeTable([_rows(folder)], str(path), [told.rows], columns)


def _rows(folder: Path) -> Path:
    return folder / "rows.parquet"


def _ending(path: Path) -> str:
    packed = path.suffix.lower() in (".gz", ".bz2", ".xz")
    return Path(path.stem).suffix.lower() if packed else path.suffix.lower()


def _plain(path: Path, folder: Path) -> Path:
    """The file itself, or its unpacked content, within the bounds of all packed files."""
    if recognise(head_of(path)) not in COMPRESSED:
        return path
    unpacked = folder / "unpacked.scratch"
    with open_unpacked(path) as source, unpacked.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    return unpacked


def _write(lazy: pl.LazyFrame, folder: Path) -> None:
    """In the order of the file, some rows after the others."""
    lazy.sink_parquet(_rows(folder), compression="lz4", row_group_size=ROWS, maintain_order=True)


# --------------------------------------------------------------------------------------- text tables


def _texts(content: Path, folder: Path, name: str) -> list[str] | None:
    """Writes a text table, and gives the names of its columns; the same steps as ``text_files.read_text``."""
    if not is_utf8_with_line_feeds(content):
        return None
    _, encoding = as_utf8(content, name)
    dialect = replace(detect_dialect(head_lines(content), name), encoding=encoding)
    check_names(dialect.names, name)
    sample = list(islice(data_rows(head_lines(content), dialect), SAMPLE_ROWS))
    cells = (cell for row in sample for cell in row)
    if not sample or not is_regular(content, dialect) or any(map(media_folders.kind_of, cells)):
        return None
    types, marks = guessed(dialect, sample)
    doubts = set[str]()
    try:
        _write(_tidy(_scan(content, dialect, types, null_values=marks or None)), folder)
    except pl.exceptions.PolarsError:
        _write(_tidy(_scan(content, dialect, types, ignore_errors=True)), folder)
        doubts, marks = _with_nulls(folder, [n for n, kind in types.items() if kind != pl.String]), {}
    doubts |= zero_doubts(content, dialect, types)
    if doubts:
        _look_again(content, dialect, types, marks, [n for n in dialect.names if n in doubts], folder)
    return _named(dialect, folder)


def _look_again(
    content: Path,
    dialect: Dialect,
    types: dict[str, pl.DataType],
    marks: dict[str, str],
    names: list[str],
    folder: Path,
) -> None:
    """Writes everything once more, doubtful columns in the types that all their cells tell."""
    kept = {name: mark for name, mark in marks.items() if name not in names}
    as_text = types | {name: pl.String() for name in names}
    scan = _scan(content, dialect, as_text, null_values=kept or None)
    asked = [each for name in names for each in what_cells_tell(name)]
    told = scan.select(asked).collect(engine="streaming").row(0)
    kinds = {name: kind_by(*told[3 * k : 3 * k + 3]) for k, name in enumerate(names)}
    _write(_tidy(scan.with_columns(as_kind(name, kind) for name, kind in kinds.items())), folder)


def _scan(content: Path, dialect: Dialect, types: dict[str, pl.DataType], **options: Any) -> pl.LazyFrame:
    return pl.scan_csv(content, glob=False, **as_written(dialect, types), **options)


def _tidy(lazy: pl.LazyFrame) -> pl.LazyFrame:
    """An empty cell of text is null."""
    texts = [name for name, kind in lazy.collect_schema().items() if kind == pl.String]
    return lazy.with_columns(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in texts)


def _with_nulls(folder: Path, names: list[str]) -> set[str]:
    counts = pl.scan_parquet(_rows(folder)).select(pl.col(names).null_count()).collect()
    return {name for name in names if counts[name].item()}


def _named(dialect: Dialect, folder: Path) -> list[str]:
    """Without the empty last column that a delimiter at the end of each line makes."""
    *others, last = names = list(dialect.names)
    nameless = dialect.header and others and last == NAME.format(len(names))
    rows = pl.scan_parquet(_rows(folder))
    empty = nameless and rows.select(pl.col(last).is_null().all()).collect().item()
    return others if empty else names


# ---------------------------------------------------------------------------------------- JSON lines


def _lines(content: Path, folder: Path, name: str) -> list[str] | None:
    """Writes JSON lines, and gives the names of the columns; as ``structured.read_ndjson``."""
    try:
        # The types of all lines count: a number may become a text late in the file.
        lazy = _flat(pl.scan_ndjson(content, infer_schema_length=None), name)
        head = lazy.head(HEAD).collect()
        texts = (cell for column in head.select(pl.col(pl.String)) for cell in column.drop_nulls())
        if not head.width or not head.height or any(map(media_folders.kind_of, texts)):
            return None
        _write(lazy, folder)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None  # the ordinary way says what is wrong, and where
    return lazy.collect_schema().names()


def _flat(lazy: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """Structs become columns of their own, named ``a.b``, as by ``structured.flatten``."""
    while any(isinstance(kind, pl.Struct) for kind in lazy.collect_schema().values()):
        columns: list[pl.Expr] = []
        for column, kind in lazy.collect_schema().items():
            if isinstance(kind, pl.Struct):
                parts = [each.name for each in kind.fields]
                columns += [pl.col(column).struct.field(n).alias(f"{column}.{n}") for n in parts]
            else:
                columns.append(pl.col(column))
        check_names([each.meta.output_name() for each in columns], name)
        lazy = lazy.select(columns)
    return lazy
