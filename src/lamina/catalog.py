"""The one table of kinds: for each, who reads its raw values and which input layer takes them in.

A kind is one row here and two small files, one under ``features/`` and one under ``network/inputs/``.
The parts are named, not imported: looking at a table needs no torch, and predicting loads only the
kinds that the model has.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal

import msgspec


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of raw data.

    ``feature`` and ``input`` are ``module:class``. With ``together`` all columns of the kind make one block
    of arrays; otherwise each column is a block of its own, except that fields whose form names the same
    ``block`` belong together, in the order of their ``place``. ``cells`` is how raw cells are brought into
    one type before the feature reads them ("raw": not at all). ``plural`` names such cells in messages.
    """

    name: str
    feature: str
    input: str
    together: bool
    what: str
    plural: str
    cells: Literal["number", "flag", "date", "category", "raw"] = "raw"


KINDS: dict[str, Kind] = {
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
            name="text",
            feature="lamina.features.text:TextFeature",
            input="lamina.network.inputs.text:TextInput",
            together=False,
            what="words in any language, short or long",
            plural="text",
            cells="category",
        ),
    )
}


def part(reference: str) -> Any:
    """The object behind ``module:name``, imported now.

    >>> part("lamina.features.flag:FlagFeature").__name__
    'FlagFeature'
    """
    module, name = reference.split(":")
    return getattr(import_module(module), name)
