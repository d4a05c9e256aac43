"""The kinds that other packages add: entry points in the group ``lamina.kinds`` whose value is a ``Kind``."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final

import msgspec

from lamina.catalog.kinds import BUILT_IN, Kind
from lamina.errors import LaminaWarning, PluginError, nearest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "lamina.kinds"  # of the entry points


class Catalog(Mapping[str, Kind]):
    """The built-in kinds, and those of installed packages, which are looked for when they are first needed.

    A package whose kind cannot be used is told of once, and the others stay usable.
    """

    def __getitem__(self, name: str) -> Kind:
        return BUILT_IN[name] if name in BUILT_IN else self._added[name]

    def __contains__(self, name: object) -> bool:
        return name in BUILT_IN or name in self._added

    def __iter__(self) -> Iterator[str]:
        yield from (*BUILT_IN, *self._added)

    def __len__(self) -> int:
        return len(BUILT_IN) + len(self._added)

    @property
    def detectors(self) -> tuple[Kind, ...]:
        """The kinds that look at a column before the built-in rules do."""
        return tuple(kind for kind in self._added.values() if kind.detect)

    def hint(self, name: str) -> str:
        """What to do about a kind that is not there: a broken package, or the nearest name."""
        return self.problems.get(name) or nearest(name, self)

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong with the packages whose kinds cannot be used, by the name of the entry point."""
        return self._found[1]

    @property
    def _added(self) -> dict[str, Kind]:
        return self._found[0]

    @cached_property
    def _found(self) -> tuple[dict[str, Kind], dict[str, str]]:
        kinds, problems = dict[str, Kind](), dict[str, str]()
        for point in sorted(entry_points_of(GROUP), key=lambda each: (each.name, each.value)):
            try:
                kind = _kind_of(point, kinds)
                kinds[kind.name] = kind
            except PluginError as error:
                problems[point.name] = str(error)
                warnings.warn(str(error), LaminaWarning, stacklevel=2)
        return kinds, problems


def entry_points_of(group: str) -> Iterable[EntryPoint]:
    """The entry points that installed packages have in this group."""
    from importlib.metadata import entry_points  # reads every package's metadata: only when needed

    return entry_points(group=group)


def _kind_of(point: EntryPoint, taken: Mapping[str, Kind]) -> Kind:
    """The kind behind an entry point. Raises PluginError, naming the package, for anything that is none."""
    package = f"{point.dist.name} {point.dist.version}" if point.dist else point.value.split(":")[0]
    try:
        kind = point.load()
    except (Exception, SystemExit) as error:  # code of others may do anything, and must not take Lamina along
        raise _unusable(point, package, f"{type(error).__name__}: {error}") from error
    if not isinstance(kind, Kind):
        raise _unusable(
            point, package, f"{point.value} is a {type(kind).__name__}, not a lamina.catalog.Kind"
        )
    if kind.name != point.name or not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", kind.name):
        names = f"the kind is called {kind.name!r} and the entry point {point.name!r}"
        raise _unusable(point, package, f"{names}; both must be the same word of small letters")
    if kind.name in BUILT_IN or kind.name in taken:
        owner = taken[kind.name].package if kind.name in taken else "Lamina itself"
        raise _unusable(point, package, f"{owner} has a kind of that name")
    return msgspec.structs.replace(kind, package=package)


def _unusable(point: EntryPoint, package: str, why: str) -> PluginError:
    return PluginError(
        f"The kind {point.name!r} of the package {package} cannot be used: {why}.",
        "Repair, update or uninstall that package; everything else works without it.",
        package=package,
        kind=point.name,
    )
