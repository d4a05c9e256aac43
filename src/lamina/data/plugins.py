"""What the kinds of other packages say of a column, before the built-in rules are asked."""

from __future__ import annotations

import warnings

from lamina.catalog import KINDS, Kind, part
from lamina.data.columns import Column, Reading
from lamina.errors import LaminaWarning


def plugged(column: Column, kind: str | None = None) -> Reading | None:
    """The first answer of an added kind (or of this ``kind`` alone), ``None`` where none takes the column.

    A detector that fails is told of, and the column goes on to the built-in rules.
    """
    for added in KINDS.detectors:
        if kind in (None, added.name) and (found := _ask(added, column)) is not None:
            return found
    return None


def _ask(kind: Kind, column: Column) -> Reading | None:
    try:
        found = part(kind.detect or "")(column)
        if found is None or (isinstance(found, Reading) and found.kind == kind.name):
            return found
        why = f"it answered with {found!r:.80}, not with a Reading of its own kind"
    except Exception as error:  # code of others may raise anything, and must not take Lamina along
        why = f"{type(error).__name__}: {error}"
    warnings.warn(
        f"The kind {kind.name!r} of the package {kind.package} was not asked about a column: {why}. "
        "Repair or update that package; the built-in rules decide instead.",
        LaminaWarning,
        stacklevel=2,
    )
    return None
