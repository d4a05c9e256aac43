"""The tables of kinds: for each, who reads its raw values and which layer takes them in or gives them out.

A kind is one row in ``KINDS`` and two small files, one under ``features/`` and one under ``network/inputs/``.
A kind of answer is one row in ``ANSWERS`` and two small files, one under ``features/targets/`` and one under
``network/outputs/``. The parts are named, not imported: looking at a table needs no torch, and predicting
loads only the kinds that the model has.
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
    )
}


class AnswerKind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of answer.

    ``target`` and ``output`` are ``module:class``; ``kind`` is how the column is read ("number", "category",
    "set", "text"; "any" where the parts say); ``metrics`` are what validation can look at, the first an
    error and the default.
    """

    name: str
    target: str
    output: str
    kind: Literal["number", "category", "set", "text", "image", "any"]
    what: str
    metrics: tuple[str, ...]


ANSWERS: dict[str, AnswerKind] = {
    answer.name: answer
    for answer in (
        AnswerKind(
            name="classes",
            target="lamina.features.targets.classes:ClassTarget",
            output="lamina.network.outputs.classes:Classes",
            kind="category",
            what="one of several classes",
            metrics=("log_loss", "accuracy", "auroc"),
        ),
        AnswerKind(
            name="number",
            target="lamina.features.targets.number:NumberTarget",
            output="lamina.network.outputs.number:Number",
            kind="number",
            what="a number",
            metrics=("rmse", "mae", "r2"),
        ),
        AnswerKind(
            name="quantiles",
            target="lamina.features.targets.quantiles:QuantilesTarget",
            output="lamina.network.outputs.quantiles:Quantiles",
            kind="number",
            what="quantiles of a number",
            metrics=("pinball",),
        ),
        AnswerKind(
            name="count",
            target="lamina.features.targets.means:CountTarget",
            output="lamina.network.outputs.means:Count",
            kind="number",
            what="a count",
            metrics=("deviance", "rmse", "mae", "r2"),
        ),
        AnswerKind(
            name="amount",
            target="lamina.features.targets.means:AmountTarget",
            output="lamina.network.outputs.means:Amount",
            kind="number",
            what="an amount above zero",
            metrics=("deviance", "rmse", "mae", "r2"),
        ),
        AnswerKind(
            name="ordered",
            target="lamina.features.targets.ordered:OrderedTarget",
            output="lamina.network.outputs.ordered:Ordered",
            kind="category",
            what="one of several classes in an order",
            metrics=("log_loss", "accuracy", "kappa", "mae_steps"),
        ),
        AnswerKind(
            name="labels",
            target="lamina.features.targets.labels:LabelsTarget",
            output="lamina.network.outputs.labels:Labels",
            kind="set",
            what="any number of labels",
            metrics=("log_loss", "micro_f1", "macro_f1", "jaccard"),
        ),
        AnswerKind(
            name="transcript",
            target="lamina.features.targets.transcript:TranscriptTarget",
            output="lamina.network.outputs.transcript:Transcript",
            kind="text",
            what="what is said",
            metrics=("cer", "accuracy"),
        ),
        AnswerKind(
            name="mask",
            target="lamina.features.targets.mask:MaskTarget",
            output="lamina.network.outputs.mask:Mask",
            kind="image",
            what="a mask",
            metrics=("iou", "pixel_accuracy"),
        ),
        AnswerKind(
            name="several",
            target="lamina.features.targets.several:SeveralTarget",
            output="lamina.network.outputs.several:Several",
            kind="any",
            what="several targets at once",
            metrics=("joint",),
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
