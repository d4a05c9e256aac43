"""The kinds of answers: for each, who reads the column to predict and which layer gives its scores."""

from __future__ import annotations

from typing import Final, Literal

import msgspec


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


ANSWERS: Final[dict[str, AnswerKind]] = {
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
