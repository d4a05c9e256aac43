"""The one door for raw data: a file, a folder, several files or data in memory → ``Table``."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl

from lamina.data import frames, idx, media_folders, structured
from lamina.data.archives import is_archive, read_archive
from lamina.data.compression import COMPRESSED, head_of, open_unpacked, recognise
from lamina.data.large import large
from lamina.data.media_cells import kind_of_bytes
from lamina.data.table import Table
from lamina.data.text_files import read_text
from lamina.errors import SourceError, TableError, UsageError

Part = Literal["all", "train", "test"]
_PACKED: Final = frozenset({".gz", ".bz2", ".xz", ".zst", ".zstd"})
_JSON: Final = {".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson"}
# A note that names every file of a large folder helps nobody.
_MOST_NAMES: Final = 8


def read(source: Any, *, part: Part = "all", sheet: str | None = None) -> Table:
    """Reads raw data of any kind into a table, values unchanged.

    ``source``: a path (text table, Parquet, Arrow, JSON, Excel, idx, archive, folder of pictures
    or of tables), a list of paths, or data in memory (pandas, polars, Arrow, dict of lists, list
    of dicts, numpy). ``part`` picks the training or the test rows where the source itself is
    divided; where it is not, everything is read. ``sheet`` names the sheet of a workbook.

    Raises ``SourceError`` (absent, empty, unreadable), ``TableError`` (wrong shape),
    ``MissingExtraError``, ``UsageError``.
    """
    if part not in ("all", "train", "test"):
        raise UsageError(f"There is no part {part!r}.", "Choose 'all', 'train' or 'test'.")
    if isinstance(source, Table):
        return source
    if isinstance(source, str | Path):
        return _read_path(Path(source).expanduser(), part, sheet)
    if isinstance(source, Sequence) and source and isinstance(source[0], str | Path):
        return _read_several([Path(each).expanduser() for each in source], sheet)
    return _read_memory(source)


def _read_memory(source: Any) -> Table:
    """Data in memory as a table."""
    frame = frames.to_frame(source)
    what = f"{type(source).__module__.split('.')[0]} {type(source).__name__}".removeprefix("builtins ")
    if frame.height == 0 or frame.width == 0:
        raise SourceError(f"The {what} has no rows.", "Give data that has rows.")
    return Table(structured.flatten(frame), what)


def _read_path(path: Path, part: Part, sheet: str | None) -> Table:
    """One file or one folder."""
    if path.is_dir():
        return _read_folder(path, part, sheet)
    if not path.is_file():
        raise _absent(path)
    return read_file(path, part, sheet)


def _absent(path: Path) -> SourceError:
    """The error for a path that is not there, with the nearest name that is."""
    folder = path.parent
    if not folder.is_dir():
        return SourceError(
            f"There is no folder {folder}, so no {path.name} in it.",
            "Check the path; a relative one starts from the folder you work in.",
            path=str(path),
        )
    names = sorted(each.name for each in folder.iterdir() if not each.name.startswith("."))
    close = get_close_matches(path.name, names, n=1, cutoff=0.5)
    where = "the current folder" if str(folder) == "." else str(folder)
    return SourceError(
        f"There is no file or folder {path}.",
        f"Did you mean {close[0]!r}, in {where}?" if close else f"Check the name; look in {where}.",
        path=str(path),
    )


def read_file(path: Path, part: Part = "all", sheet: str | None = None) -> Table:
    """One file, by what its first bytes say; only then by its name."""
    head = head_of(path)
    form = recognise(head)
    if not head:
        raise SourceError(f"{path.name} is empty (0 bytes).", "Give a file that has rows.", path=str(path))
    kind = kind_of_bytes(head[:12])
    if kind is not None and media_folders.kind_of(path.name):
        frame = pl.DataFrame({kind: [str(path.resolve())], "file": [path.name]})
        return Table(frame, str(path), (f"one {form or kind}",))
    if is_archive(path, form):
        return read_archive(path, part, sheet)
    if form in COMPRESSED - {"zstd"}:
        with open_unpacked(path) as stream:
            if idx.is_idx(stream.read(8)):
                return idx.read_idx(path)
    if idx.is_idx(head):
        return idx.read_idx(path)
    if form == "parquet" and (found := large([path], str(path))) is not None:
        return found
    table = _read_table(path, path.name, head, form, sheet)
    frame, notes = media_folders.resolve_media(table.frame, path.parent)
    return Table(frame, str(path), (*table.notes, *notes), table.label, table.findings)


def read_bytes(content: bytes, name: str, sheet: str | None = None) -> Table:
    """A table from the bytes of a file, as archives hold them."""
    head = content[:1024]
    return _read_table(content, name, head, recognise(head), sheet)


def _read_table(source: Path | bytes, name: str, head: bytes, form: str | None, sheet: str | None) -> Table:
    """A table by its format: what the bytes say first, then the name, then text."""
    if form == "parquet":
        return structured.read_parquet(source, name)
    if form == "arrow":
        return structured.read_arrow(source, name)
    if form in ("excel", "zip"):
        return structured.read_excel(source, name, sheet)
    suffix = _suffix(name)
    if suffix in (".parquet", ".pq", ".arrow", ".feather", ".ipc", ".xlsx", ".xls"):
        raise SourceError(
            f"{name} is no {suffix[1:]} file: it begins with {head[:8]!r}.",
            "Give it the ending of what it is, or write the file again.",
            source=name,
        )
    if _JSON.get(suffix) == "ndjson":
        return structured.read_ndjson(source, name)
    if suffix in _JSON or (form is None and _looks_like_json(head)):
        return structured.read_json(source, name)
    return read_text(source, name)


def _suffix(name: str) -> str:
    """The end of a file name that tells its format: ``.csv`` of ``a.csv.gz``."""
    path = Path(name)
    return Path(path.stem).suffix.lower() if path.suffix.lower() in _PACKED else path.suffix.lower()


def _looks_like_json(head: bytes) -> bool:
    """Whether text begins like JSON records."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start[:1] in (b"{", b"[") and start[1:].lstrip()[:1] in (b'"', b"{", b"}", b"]")


# --------------------------------------------------------------------------------- several files


def _read_folder(folder: Path, part: Part, sheet: str | None) -> Table:
    """A folder: idx files, media (by class, or named by a table), or tables of one format."""
    if idx.find_idx(folder):
        return idx.read_folder(folder, part)
    names = media_folders.list_files(folder)
    files = [n for n in names if media_folders.kind_of(n) and not media_folders.is_hidden(n)]
    tables = sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and _suffix(path.name) in media_folders.TABLES and path.name[0] != "."
    )
    if files:
        named = _named(folder, tables, files, part, sheet)
        return named or media_folders.read_media_folder(folder, part, names)
    if not tables:
        raise SourceError(
            f"{folder} holds nothing that can be read: {len(names):,} files, none of them a "
            "table, a picture or a recording.",
            "Give a folder of class folders with pictures, or of CSV, Parquet or JSON files.",
            path=str(folder),
        )
    return _read_table_folder(folder, tables, part, sheet)


def _named(folder: Path, tables: list[Path], files: list[str], part: Part, sheet: str | None) -> Table | None:
    """The table in a folder of media that names them, its column as absolute paths."""
    root = folder.resolve()
    for path in _of_part(tables, part)[0]:
        try:
            table = _read_table(path, path.name, head := head_of(path), recognise(head), sheet)
        except (SourceError, TableError):
            continue  # a read-me, most likely
        found = media_folders.find_naming_column(table.frame, files)
        if found is None:
            continue
        column, paths = found
        values = table.frame[column].unique().drop_nulls()
        full = pl.Series([str(root / paths.get(v, v)) for v in values], dtype=pl.String)
        frame = table.frame.with_columns(pl.col(column).replace(values, full))
        notes = (*table.notes, f"column {column!r} of {path.name} names the files")
        return Table(frame, str(folder), notes, None, table.findings)
    return None


def _of_part(paths: list[Path], part: Part) -> tuple[list[Path], tuple[str, ...]]:
    """The files of a part where their names tell one (``train.csv``), and what to say about it."""
    parts = {path: media_folders.part_of(path.name.split(".")[0]) for path in paths}
    present = [each for each in parts.values() if each]
    wanted = media_folders.parts_for(part, present)
    if wanted is None:
        note = (f"no {part} part here: everything was read",) if present and part != "all" else ()
        return paths, note
    return [path for path in paths if parts[path] in wanted], ()


def _read_table_folder(folder: Path, paths: list[Path], part: Part, sheet: str | None) -> Table:
    """A folder of tables of one format."""
    formats = {_suffix(path.name) for path in paths}
    if len(formats) > 1:
        raise SourceError(
            f"{folder} holds tables in several formats: {', '.join(sorted(formats))}.",
            "Give the files that belong together as a list.",
            path=str(folder),
        )
    chosen, notes = _of_part(paths, part)
    if (found := large(chosen, str(folder))) is not None:
        return found
    table = _read_several(chosen, sheet)
    return Table(table.frame, str(folder), (*table.notes, *notes), table.label, table.findings)


def _read_several(paths: list[Path], sheet: str | None) -> Table:
    """Several tables, one under the other."""
    for path in paths:
        if not path.is_file():
            raise _absent(path)
    names = ", ".join(str(path) for path in paths[:_MOST_NAMES])
    if (found := large(paths, names)) is not None:
        return found
    tables = [read_file(path, "all", sheet) for path in paths]
    return concatenate(tables, names)


def concatenate(tables: list[Table], source: str) -> Table:
    """Tables one under the other, columns matched by name, in the order of the first.

    A column of numbers here and text there becomes text. Raises ``TableError`` naming the file
    whose columns differ.
    """
    first = tables[0]
    if len(tables) == 1:
        return first
    for table in tables[1:]:
        _same_columns(first, table)
    joined = [table.frame.select(first.frame.columns) for table in tables]
    texts = [name for name in first.frame.columns if _disagree([f.schema[name] for f in joined])]
    if texts:
        joined = [frame.with_columns(_as_text(frame, texts)) for frame in joined]
    frame = pl.concat(joined, how="vertical_relaxed", rechunk=True)
    label = first.label if all(table.label == first.label for table in tables) else None
    findings = tuple(finding for table in tables for finding in table.findings)
    notes = (*dict.fromkeys(note for table in tables for note in table.notes),)
    mixed = (f"text in one file, numbers in another: {', '.join(texts)}",) if texts else ()
    return Table(frame, source, (*notes, f"{len(tables)} files", *mixed), label, findings)


def _same_columns(first: Table, other: Table) -> None:
    """Raises ``TableError`` where two files do not have the same columns."""
    missing = [name for name in first.frame.columns if name not in other.frame.columns]
    extra = [name for name in other.frame.columns if name not in first.frame.columns]
    if not missing and not extra:
        return
    lacks = f"lacks {', '.join(map(repr, missing[:_MOST_NAMES]))}" if missing else ""
    has = f"has {', '.join(map(repr, extra[:_MOST_NAMES]))} besides" if extra else ""
    raise TableError(
        f"{other.source} {' and '.join(filter(None, (lacks, has)))}, compared with {first.source}.",
        "Give files with the same columns, or read them one by one.",
        file=other.source,
        missing=missing,
        extra=extra,
    )


def _disagree(kinds: list[pl.DataType]) -> bool:
    """Whether columns of these types have only text in common."""
    distinct = set(kinds) - {pl.Null()}
    return len(distinct) > 1 and not all(kind.is_numeric() for kind in distinct)


def _as_text(frame: pl.DataFrame, names: list[str]) -> list[pl.Series]:
    """Columns as text, whole numbers without ".0"."""
    from lamina.data.parse import to_text

    return [to_text(frame[name]) for name in names]
