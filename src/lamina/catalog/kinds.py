"""The built-in kinds of raw data: for each, who reads its raw values and which layer takes them in."""

from __future__ import annotations

from typing import Final, Literal

import msgspec


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
            name="text",
            feature="lamina.features.text:TextFeature",
            input="lamina.network.inputs.text:TextInput",
            together=False,
            what="words in any language, short or long",
            plural="text",
            cells="category",
        ),
        Kind(
            name="audio",
            feature="lamina.features.audio:AudioFeature",
            input="lamina.network.inputs.audio:AudioInput",
            together=False,
            what="recordings, mono or stereo, of any rate and length",
            plural="recordings",
        ),
        Kind(
            name="video",
            feature="lamina.features.video:VideoFeature",
            input="lamina.network.inputs.video:VideoInput",
            together=False,
            what="clips of any length and size",
            plural="clips",
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
