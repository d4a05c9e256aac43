"""Archives (zip, tar, tar.gz, tar.xz, tar.bz2) of pictures, recordings or tables.

Nothing is written to disk. One pass reads the members into memory, within bounds on their number,
size and compression; links, devices and names that lead elsewhere are skipped.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

import polars as pl

from lamina.data import media_folders as media
from lamina.data.compression import (
    BROKEN,
    MAX_RATIO,
    MAX_UNPACKED,
    Bounded,
    cut,
    open_unpacked,
    recognise,
    too_large,
)
from lamina.data.table import Table
from lamina.errors import SourceError
from lamina.records import Finding

MAX_MEMBERS: Final = 5_000_000
_FREE: Final = 64 << 20


def is_archive(path: Path, form: str | None) -> bool:
    """Whether a file is a zip or tar archive, ``form`` being what its first bytes say."""
    if form == "zip":
        return not _is_workbook(path)
    if form == "tar":
        return True
    if form not in ("gzip", "bzip2", "xz"):
        return False
    try:
        with open_unpacked(path) as stream:
            return recognise(stream.read(512)) == "tar"
    except (SourceError, *BROKEN):
        return False


def _is_workbook(path: Path) -> bool:
    """Whether a zip is an Excel workbook."""
    try:
        with zipfile.ZipFile(path) as file:
            names = set(file.namelist()[:200])
    except (zipfile.BadZipFile, OSError):
        return False
    return "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names)


def read_members(path: Path) -> tuple[dict[str, bytes], int]:
    """All files of an archive by name, and how many were skipped because they are not safe.

    Raises ``SourceError`` where it is cut, encrypted, or beyond the bounds.
    """
    members: dict[str, bytes] = {}
    unsafe, total = 0, 0
    limit = min(MAX_UNPACKED, max(_FREE, path.stat().st_size * MAX_RATIO))
    for name, content in _members(path, limit):
        if content is None or not _is_safe(name):
            unsafe += 1
            continue
        total += len(content)
        if total > limit:
            raise too_large(path.name, limit)
        if len(members) >= MAX_MEMBERS:
            raise SourceError(
                f"{path.name} holds more than {MAX_MEMBERS:,} files.",
                "Unpack it and give the folder.",
                source=str(path),
            )
        members[name.removeprefix("./")] = content
    return members, unsafe


def _is_safe(name: str) -> bool:
    """Whether a name stays inside the archive."""
    parts = name.replace("\\", "/").split("/")
    return parts[0] != "" and ".." not in parts and ":" not in parts[0]


def _members(path: Path, limit: int) -> Iterator[tuple[str, bytes | None]]:
    """Name and content of each member; ``None`` for links and devices."""
    try:
        yield from _zip_members(path, limit) if zipfile.is_zipfile(path) else _tar_members(path)
    except (zipfile.BadZipFile, tarfile.TarError, NotImplementedError, *BROKEN) as error:
        if isinstance(error, SourceError):
            raise
        raise cut(path.name, error) from error


def _zip_members(path: Path, limit: int) -> Iterator[tuple[str, bytes | None]]:
    """The members of a zip. Sizes are checked before and while they are unpacked."""
    with zipfile.ZipFile(path) as file:
        entries = file.infolist()
        if any(entry.flag_bits & 1 for entry in entries):
            raise SourceError(
                f"{path.name} is encrypted.",
                "Unpack it with its password and give the folder.",
                source=str(path),
            )
        if sum(entry.file_size for entry in entries) > limit:
            raise too_large(path.name, limit)
        for entry in entries:
            if entry.is_dir():
                continue
            is_link = (entry.external_attr >> 16) & 0o170000 == 0o120000
            if is_link:
                yield entry.filename, None
                continue
            with file.open(entry) as member:
                # The size in the directory is only a claim: no more than that is unpacked.
                content = member.read(entry.file_size + 1)
            yield entry.filename, content


def _tar_members(path: Path) -> Iterator[tuple[str, bytes | None]]:
    """The members of a tar, packed or not, in one streaming pass."""
    stream = open_unpacked(path)
    if not isinstance(getattr(stream, "raw", None), Bounded):
        stream = io.BufferedReader(Bounded(stream, path.name, path.stat().st_size), 1 << 20)
    with stream, tarfile.open(fileobj=stream, mode="r|", bufsize=1 << 20) as file:
        for entry in file:
            if entry.isdir():
                continue
            member = file.extractfile(entry) if entry.isreg() else None
            yield entry.name, member.read() if member else None
            file.members.clear()  # type: ignore[attr-defined]  # it would keep every header


def read_archive(path: Path, part: media.Part = "all", sheet: str | None = None) -> Table:
    """An archive of class folders, of media with a table that names them, or of tables.

    Media become a Binary column of encoded files, named ``image`` (``audio``, ``video``). Raises
    ``SourceError`` as ``read_members``, and where nothing in it can be read.
    """
    members, unsafe = read_members(path)
    findings = (_unsafe(path.name, unsafe),) if unsafe else ()
    tables = [n for n in members if _is_table(n)]
    files = [n for n in members if media.kind_of(n) and not media.is_hidden(n)]
    if not files:
        return _read_tables(path, {name: members[name] for name in tables}, part, sheet)
    named = _named(path, members, tables, files, part) if tables else None
    if named is not None:
        return _with(named, findings)
    layout = media.lay_out(members, part, path.name)
    contents = [members[name] for name in layout.chosen]
    frame = pl.DataFrame({layout.kind: pl.Series(contents, dtype=pl.Binary)})
    return _with(media.label_frame(frame, layout, str(path)), findings)


def _with(table: Table, findings: tuple[Finding, ...]) -> Table:
    """The table with more findings."""
    every = table.findings + findings
    return Table(table.frame, table.source, table.notes, table.label, every)


def _is_table(name: str) -> bool:
    """Whether a member is a table by its name."""
    return PurePosixPath(name).suffix.lower() in media.TABLES and not media.is_hidden(name)


def _unsafe(name: str, count: int) -> Finding:
    """The finding on members that were not read."""
    return Finding(
        severity="warning",
        code="unsafe-members",
        message=f"{count:,} members of {name} are links, or their names lead out of the archive; "
        "they were skipped.",
        remedy="Pack the files themselves, under plain relative names.",
        count=count,
    )


def _named(
    path: Path, members: dict[str, bytes], tables: list[str], files: list[str], part: media.Part
) -> Table | None:
    """The table that names the media, with their content in place of the names."""
    from lamina.data.read import read_bytes

    by_part = {p: n for n in tables if (p := media.part_of(PurePosixPath(n).stem))}
    wanted = media.parts_for(part, by_part)
    chosen = [by_part[each] for each in sorted(wanted)] if wanted else tables
    for name in chosen:
        try:
            table = read_bytes(members[name], name)
        except SourceError:
            continue  # a read-me, most likely
        found = media.find_naming_column(table.frame, files)
        if found is None:
            continue
        column, paths = found
        frame = table.frame.with_columns(_contents(table.frame[column], paths, members))
        notes = (*table.notes, f"column {column!r} of {name} names the files")
        return Table(frame, str(path), notes, None, table.findings)
    return None


def _contents(values: pl.Series, paths: dict[str, str], members: dict[str, bytes]) -> pl.Series:
    """The files that a column names; empty where a file is not there (broken, counted later)."""
    contents = [
        None if value is None else members[paths[value]] if value in paths else b"" for value in values
    ]
    return pl.Series(values.name, contents, dtype=pl.Binary)


def _read_tables(path: Path, tables: dict[str, bytes], part: media.Part, sheet: str | None) -> Table:
    """The tables of an archive, one under the other."""
    from lamina.data.read import concatenate, read_bytes

    if not tables:
        raise SourceError(
            f"{path.name} holds no pictures, recordings or tables.",
            "Give an archive with media files, or with CSV, Parquet, JSON or Excel files.",
            source=str(path),
        )
    by_part = {name: media.part_of(PurePosixPath(name).name.split(".")[0]) for name in tables}
    wanted = media.parts_for(part, [p for p in by_part.values() if p])
    chosen = [n for n in sorted(tables) if wanted is None or by_part[n] in wanted]
    return concatenate([read_bytes(tables[n], n, sheet) for n in chosen], str(path))
