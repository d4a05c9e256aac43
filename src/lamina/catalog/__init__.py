"""The tables of kinds: for each, who reads its raw values and which layer takes them in or gives them out.

A kind is one row in ``kinds.py`` and two small files, one under ``features/`` and one under
``network/inputs/``. A kind of answer is one row in ``answers.py`` and two small files, one under
``features/targets/`` and one under ``network/outputs/``. The parts are named, not imported: looking at a
table needs no torch, and predicting loads only the kinds that the model has. Packages of somebody else add
kinds, see ``plugins.py``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from lamina.catalog.answers import ANSWERS, AnswerKind
from lamina.catalog.kinds import BUILT_IN, Kind
from lamina.catalog.plugins import Catalog
from lamina.errors import PluginError

__all__ = ["ANSWERS", "BUILT_IN", "KINDS", "AnswerKind", "Catalog", "Kind", "part"]

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
