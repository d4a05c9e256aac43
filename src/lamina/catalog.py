"""The one table of kinds: for each, who reads its raw values and which input layer takes them in.

A kind is one row here and two small files, one under ``features/`` and one under ``network/inputs/``.
The parts are named, not imported: looking at a table needs no torch, and predicting loads only the
kinds that the model has.

A package of somebody else adds a kind by an entry point in the group ``lamina.kinds`` whose value is a
``Kind``; docs/plugins.md shows one.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from lamina.errors import LaminaWarning, PluginError, nearest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "lamina.kinds"  # of the entry points by which packages add kinds


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of raw data.

    ``feature`` and ``input`` are ``module:class``. With ``together`` all columns of the kind make one block
    of arrays; otherwise each column is a block of its own, except that fields whose form names the same
    ``block`` belong together, in the order of their ``place``. ``cells`` is how raw cells are brought into
    one type before the feature reads them ("raw": not at all). ``plural`` names such cells in messages.

    For kinds of other packages: ``detect`` is ``module:function`` from a ``lamina.data.columns.Column`` to a
    ``Reading``, or None where the column is something else; it is asked before the built-in rules.
    ``package`` is filled in by the catalog.
    """

    name: str
    feature: str
    input: str
    together: bool
    what: str
    plural: str
    cells: Literal["number", "numbers", "words", "flag", "date", "category", "raw"] = "raw"
    detect: str | None = None
    package: str = ""


BUILT_IN: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(
            name="number",
            feature="lamina.features.number:NumberFeature",
            input="lamina.network.inputs.number:NumberInput",
            together=True,
            what="amounts, counts, measurements",
            plural="numbers",
            cells="number",
        ),
        Kind(
            name="category",
            feature="lamina.features.category:CategoryFeature",
            input="lamina.network.inputs.category:CategoryInput",
            together=True,
            what="names from a list that may grow",
            plural="categories",
            cells="category",
        ),
        Kind(
            name="flag",
            feature="lamina.features.flag:FlagFeature",
            input="lamina.network.inputs.flag:FlagInput",
            together=True,
            what="yes or no",
            plural="yes or no",
            cells="flag",
        ),
        Kind(
            name="date",
            feature="lamina.features.date:DateFeature",
            input="lamina.network.inputs.number:NumberInput",
            together=True,
            what="days and times",
            plural="dates",
            cells="date",
        ),
        Kind(
            name="image",
            feature="lamina.features.image:ImageFeature",
            input="lamina.network.inputs.image:ImageInput",
            together=False,
            what="pictures, grey or colour, of any size",
            plural="pictures",
        ),
        Kind(
            name="series",
            feature="lamina.features.series:SeriesFeature",
            input="lamina.network.inputs.series:SeriesInput",
            together=False,
            what="numbers in their order: in one cell, or over columns t1, t2, …",
            plural="lists of numbers",
            cells="numbers",
        ),
        Kind(
            name="set",
            feature="lamina.features.set:SetFeature",
            input="lamina.network.inputs.set:SetInput",
            together=False,
            what="several names in one cell: tags, choices",
            plural="lists of words",
            cells="words",
        ),
        Kind(
            name="vector",
            feature="lamina.features.vector:VectorFeature",
            input="lamina.network.inputs.vector:VectorInput",
            together=False,
            what="equally many numbers in every cell: an embedding made elsewhere",
            plural="lists of numbers",
            cells="numbers",
        ),
        Kind(
            name="place",
            feature="lamina.features.place:PlaceFeature",
            input="lamina.network.inputs.place:PlaceInput",
            together=False,
            what="latitude and longitude",
            plural="degrees",
            cells="number",
        ),
    )
}


class Catalog(Mapping[str, Kind]):
    """The built-in kinds, and those of installed packages, which are looked for when they are first needed.

    A package whose kind cannot be used is told of once, and the others stay usable.
    """

    def __getitem__(self, name: str) -> Kind:
        return BUILT_IN[name] if name in BUILT_IN else self._added[name]

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
        from importlib.metadata import entry_points

        kinds, problems = dict[str, Kind](), dict[str, str]()
        for point in sorted(entry_points(group=GROUP), key=lambda each: (each.name, each.value)):
            try:
                kind = _kind_of(point, kinds)
                kinds[kind.name] = kind
            except PluginError as error:
                problems[point.name] = str(error)
                warnings.warn(str(error), LaminaWarning, stacklevel=2)
        return kinds, problems


def _kind_of(point: EntryPoint, taken: Mapping[str, Kind]) -> Kind:
    """The kind behind an entry point. Raises PluginError, naming the package, for anything that is none."""
    package = f"{point.dist.name} {point.dist.version}" if point.dist else point.value.split(":")[0]
    try:
        kind = point.load()
    except Exception as error:  # code of others may raise anything, and must not take Lamina along
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


KINDS: Final = Catalog()


def part(reference: str) -> Any:
    """The object behind ``module:name``, imported now.

    Raises PluginError where that is code of another package and cannot be imported.

    >>> part("lamina.features.flag:FlagFeature").__name__
    'FlagFeature'
    """
    module, _, name = reference.partition(":")
    if module.split(".")[0] == "lamina":
        return getattr(import_module(module), name)
    try:
        return getattr(import_module(module), name)
    except Exception as error:
        raise PluginError(
            f"{reference} cannot be imported: {type(error).__name__}: {error}.",
            f"Repair, update or uninstall the package that {module!r} is part of.",
            reference=reference,
        ) from error
