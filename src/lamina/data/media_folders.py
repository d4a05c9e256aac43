"""Folders (and archives) of pictures or recordings: by class, by part, or named by a table.

What stands where is worked out on names alone, so folders on disk and archives share it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Literal

import polars as pl

from lamina.data.media_cells import absolute
from lamina.data.table import Table
from lamina.errors import SourceError
from lamina.records import Finding

Part = Literal["all", "train", "test"]

_SUFFIXES: Final = {
    "image": "png jpg jpeg jpe gif bmp webp tif tiff ppm pgm pbm pnm jp2 ico tga avif",
    "audio": "wav flac ogg oga mp3 m4a aac opus aif aiff",
    "video": "mp4 mov avi mkv webm m4v mpg mpeg wmv",
}
MEDIA: Final = {f".{suffix}": kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
TABLES: Final = frozenset(
    f".{suffix}"
    for group in (
        "csv tsv tab txt psv",
        "parquet pq arrow feather ipc",
        "json ndjson jsonl",
        "xlsx xls",
    )
    for suffix in group.split()
)
_PARTS: Final = {
    "train": frozenset({"train", "training"}),
    "test": frozenset({"test", "testing", "t10k"}),
    "validation": frozenset({"valid", "val", "validation", "dev"}),
}
# A single folder of this name is a container, not a class.
_CONTAINERS: Final = frozenset(
    word
    for group in (
        "image images img imgs picture pictures photo photos",
        "audio sounds recordings wav wavs clips video videos",
        "data dataset files frames media",
    )
    for word in group.split()
)
_RESOLVED_SHARE: Final = 0.5


@dataclass(frozen=True)
class Layout:
    """Which names hold the examples (``chosen``, sorted), their classes, what was noticed."""

    kind: str
    chosen: tuple[str, ...]
    labels: tuple[str, ...] | None
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def kind_of(name: str) -> str | None:
    """``image``, ``audio`` or ``video`` by the end of a file name."""
    # Plain text operations: pathlib took a quarter of the time of reading 60,000 names.
    return MEDIA.get(name[name.rfind(".") :].lower())


def is_hidden(name: str) -> bool:
    """Whether some part of the path is hidden, or left behind by an operating system."""
    marked = name.startswith((".", "__MACOSX")) or "/." in name or "/__MACOSX" in name
    return marked or name.endswith("Thumbs.db")


def part_of(name: str) -> str | None:
    """``train``, ``test`` or ``validation`` where a folder or file is named so."""
    word = name.lower()
    return next((part for part, names in _PARTS.items() if word in names), None)


def parts_for(part: Part, present: Iterable[str]) -> frozenset[str] | None:
    """The parts to read for what was asked, or ``None`` for everything.

    Validation rows belong to training where there is a test part, else they are the test part.
    """
    here = frozenset(present)
    if part == "all" or not here:
        return None
    test = frozenset({"test"}) & here or frozenset({"validation"}) & here
    chosen = test if part == "test" else here - test
    return chosen or None


def lay_out(names: Iterable[str], part: Part = "all", source: str = "the folder") -> Layout:
    """Finds parts, classes and examples among relative paths (``train/cat/1.png``).

    Raises ``SourceError`` where there is no picture or recording.
    """
    names = sorted(names, key=_natural)
    seen = [name for name in names if not is_hidden(name)]
    kinds = Counter(kind for name in seen if (kind := kind_of(name)))
    if not kinds:
        raise SourceError(
            f"{source} holds no pictures or recordings.",
            f"Files that are read: {' '.join(sorted(MEDIA))}.",
            source=source,
        )
    kind = kinds.most_common(1)[0][0]
    media = [name for name in seen if kind_of(name) == kind]
    findings = _skipped(names, kind, source)
    tops = _without_container(media)
    chosen, notes = _choose_part(tops, part)
    return _classify(kind, chosen, notes, findings, source)


def _natural(name: str) -> tuple[str, ...]:
    """Sorts by folder first, the same on every machine."""
    return tuple(name.split("/"))


def _skipped(names: Sequence[str], kind: str, source: str) -> tuple[Finding, ...]:
    """A note on files that are no examples: hidden, of another kind."""
    other = [name for name in names if is_hidden(name) or kind_of(name) != kind]
    if not other:
        return ()
    return (
        Finding(
            severity="note",
            code="skipped-files",
            message=f"{len(other):,} files in {source} are no {kind} files and were skipped, "
            f"such as {other[0]!r}.",
            remedy="Nothing, unless they should be examples: then convert them.",
            count=len(other),
        ),
    )


def _without_container(media: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Each name → its folders and file, without folders that hold everything and are no class."""
    split = {name: tuple(name.split("/")) for name in media}
    while True:
        first = {parts[0] if len(parts) > 1 else "" for parts in split.values()}
        word = next(iter(first)).lower() if len(first) == 1 else ""
        deeper = all(len(parts) > 2 for parts in split.values())
        if not word or (part_of(word) is not None) or not (deeper or word in _CONTAINERS):
            return split
        split = {name: parts[1:] for name, parts in split.items()}


def _choose_part(
    tops: Mapping[str, tuple[str, ...]], part: Part
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """The names of the part asked, without the folder of the part; and what to say about it."""
    parts = {name: part_of(path[0]) if len(path) > 1 else None for name, path in tops.items()}
    present = {each for each in parts.values() if each}
    # A class may be called "test": only where every folder is a part do they count as parts.
    folders = {path[0] for path in tops.values() if len(path) > 1}
    if not present or any(part_of(folder) is None for folder in folders):
        return dict(tops), ()
    wanted = parts_for(part, present)
    found = ", ".join(sorted(present))
    if wanted is None:
        missing = part != "all"
        note = f"no {part} part among {found}: everything was read" if missing else f"parts {found}"
        return {n: p[1:] if parts[n] else p for n, p in tops.items()}, (note,)
    chosen = {n: p[1:] for n, p in tops.items() if parts[n] in wanted}
    return chosen, (f"part {', '.join(sorted(wanted))} of {found}",)


def _classify(
    kind: str,
    chosen: Mapping[str, tuple[str, ...]],
    notes: tuple[str, ...],
    findings: tuple[Finding, ...],
    source: str,
) -> Layout:
    """The class of each example is its first folder; without folders there are no classes."""
    inside = {name: path for name, path in chosen.items() if len(path) > 1}
    folders = {path[0] for path in inside.values()}
    if not inside or (len(folders) == 1 and next(iter(folders)).lower() in _CONTAINERS):
        return Layout(kind, tuple(chosen), None, notes, findings)
    loose = [name for name in chosen if name not in inside]
    if loose:
        findings += (
            Finding(
                severity="warning",
                code="no-class",
                message=f"{len(loose):,} {kind} files in {source} lie beside the class folders "
                f"and were set aside, such as {loose[0]!r}.",
                remedy="Move each into the folder of its class.",
                count=len(loose),
            ),
        )
    labels = tuple(path[0] for path in inside.values())
    notes += (f"{len(folders):,} classes from folder names",)
    return Layout(kind, tuple(inside), labels, notes, findings)


# ---------------------------------------------------------------------------------------- on disk


def list_files(folder: Path) -> list[str]:
    """All files under a folder, as relative paths with ``/``; links to folders are not followed."""
    found = []
    for place, folders, files in os.walk(folder):
        folders.sort()
        base = Path(place).relative_to(folder).as_posix()
        found += [name if base == "." else f"{base}/{name}" for name in files]
    return found


def read_media_folder(folder: Path, part: Part = "all", names: list[str] | None = None) -> Table:
    """A folder of pictures (or recordings): absolute paths, with ``label`` where there are classes.

    Without classes the column ``file`` names each. Raises ``SourceError`` where there are none.
    """
    layout = lay_out(names if names is not None else list_files(folder), part, folder.name)
    root = folder.resolve()
    frame = pl.DataFrame({layout.kind: [str(root / name) for name in layout.chosen]})
    empty = _empty_classes(folder) if layout.labels else ()
    return label_frame(frame, layout, str(folder), empty)


def label_frame(
    frame: pl.DataFrame, layout: Layout, source: str, findings: tuple[Finding, ...] = ()
) -> Table:
    """The table of a layout: its media column, with ``label`` or ``file``."""
    name, values = ("file", layout.chosen) if layout.labels is None else ("label", layout.labels)
    frame = frame.with_columns(pl.Series(name, values, dtype=pl.String))
    label = "label" if layout.labels is not None else None
    return Table(frame, source, layout.notes, label, layout.findings + findings)


def _empty_classes(folder: Path) -> tuple[Finding, ...]:
    """A finding on class folders without any file."""
    bare = [
        Path(place).relative_to(folder).as_posix()
        for place, folders, files in os.walk(folder)
        if not folders and not any(not is_hidden(file) for file in files)
    ]
    bare = sorted(name for name in bare if name != "." and not is_hidden(name))
    if not bare:
        return ()
    return (
        Finding(
            severity="warning",
            code="empty-class",
            message=f"{len(bare):,} folders are empty: {', '.join(map(repr, bare[:8]))}; "
            "there is no class of that name.",
            remedy="Put examples of the class there, or remove the folder.",
            count=len(bare),
        ),
    )


# ------------------------------------------------------------------------------ named by a table


def resolve_media(frame: pl.DataFrame, folder: Path) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Columns whose values are media files under the folder, as absolute paths; and notes.

    A column counts when most of a sample exist. Values that do not exist are made absolute all
    the same, so that a later stage counts them as broken.
    """
    root = folder.resolve()
    notes: tuple[str, ...] = ()
    for name in (n for n, kind in frame.schema.items() if kind == pl.String):
        sample = _sample(frame[name])
        media = [value for value in sample if kind_of(value)]
        if len(media) <= _RESOLVED_SHARE * len(sample):
            continue
        if sum(_exists(root / value) for value in media) <= _RESOLVED_SHARE * len(media):
            continue
        values = frame[name].unique().drop_nulls()
        full = pl.Series([absolute(value, root) for value in values], dtype=pl.String)
        frame = frame.with_columns(pl.col(name).replace(values, full))
        notes += (f"column {name!r} names files",)
    return frame, notes


def _exists(path: Path) -> bool:
    """Whether a file is there; names that no file can have are not."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _sample(values: pl.Series) -> list[str]:
    """Some distinct values of a column, from the beginning."""
    return values.drop_nulls().head(2000).unique(maintain_order=True).head(50).to_list()


def find_naming_column(frame: pl.DataFrame, names: Iterable[str]) -> tuple[str, dict[str, str]] | None:
    """The column whose values name files, and value → name; ``None`` where no column does.

    Values may be relative paths, file names, or file names without their end.
    """
    lookup = _lookup(names)
    for column in (n for n, kind in frame.schema.items() if kind == pl.String):
        sample = _sample(frame[column])
        if sample and sum(_key(v) in lookup for v in sample) > _RESOLVED_SHARE * len(sample):
            values = frame[column].unique().drop_nulls().to_list()
            return column, {v: lookup[_key(v)] for v in values if _key(v) in lookup}
    return None


def _key(value: str) -> str:
    """A value as it would be listed."""
    return value.strip().replace("\\", "/").removeprefix("./")


def _lookup(names: Iterable[str]) -> dict[str, str]:
    """Path, file name and bare name → path; what is not unique is left out."""
    found: dict[str, str] = {}
    paths = [PurePosixPath(name) for name in names]
    for shorts in ([path.stem for path in paths], [path.name for path in paths]):
        counts = Counter(shorts)
        pairs = zip(shorts, paths, strict=True)
        found |= {short: str(path) for short, path in pairs if counts[short] == 1}
    return found | {str(path): str(path) for path in paths}
