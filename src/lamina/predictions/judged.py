"""The first judgement of a new network: baselines, and scores on its validation rows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from lamina.features.base import Arrays
from lamina.network.answered import seen_by
from lamina.network.engine import Answered
from lamina.predictions.answers import rows_encoded
from lamina.predictions.baseline import Baseline
from lamina.predictions.confidence import Confidence
from lamina.predictions.evaluate import Rows, judge
from lamina.predictions.explain.explain import evenly
from lamina.predictions.linear import fit_linear
from lamina.predictions.novelty import FALSE_ALARMS, FEWEST, MOST_KEPT, MOST_LEARNT, Novelty
from lamina.records import Choice, Evaluation
from lamina.training.encode import Encoded
from lamina.training.fit import Unseen
from lamina.training.fitted import Fitted


@dataclass
class Judge:
    """Judges networks for these arrays; the baselines are fitted once, when first needed.

    ``source`` is where the rows came from, for people.
    """

    encoded: Encoded
    source: str
    baseline: Baseline | None = None

    def rehearse(self, fitted: Fitted, unseen: Unseen) -> float:
        """Fits the baselines and judges a network that has learnt nothing yet: the seconds of judging alone,
        which will be the same for the trained one."""
        self.baseline_of(fitted)
        began = time.monotonic()
        self(fitted, unseen)
        return time.monotonic() - began

    def baseline_of(self, fitted: Fitted) -> Baseline:
        """The constant answer and the linear model of the training rows."""
        if self.baseline is None:
            encoded, train = self.encoded, self.encoded.split.train
            linear = fit_linear(
                fitted.network.output, encoded.features, encoded.arrays, encoded.answers, train,
                fitted.settings.seed,
            )  # fmt: skip
            constant = encoded.target.constant(encoded.answers[train]).astype(np.float32)
            self.baseline = Baseline(constant, *linear)
        return self.baseline

    def __call__(self, fitted: Fitted, unseen: Unseen) -> tuple[Fitted, Baseline, Evaluation]:
        """The network with its confidence, the baselines, and everybody's scores on the rows ``unseen``.

        ``before`` are the network's answers for the validation rows before it learnt from them too, where it
        did: what it says of rows that it knows would make it too sure of itself. The passes were chosen on
        these rows, and the probabilities calibrated, so scores here are a little kind; a file never seen
        (``evaluate``) tells the truth.
        """
        baseline, encoded, output = self.baseline_of(fitted), self.encoded, fitted.network.output
        parts = encoded.split
        rows, before = unseen if len(unseen.rows) else (parts.train, None)
        network, linear = [], []
        for held in _held(encoded, rows):
            if before is None:
                network.append(fitted.engine.answered(held))
            linear.append(baseline.linear_answers(encoded.features, held, output))
        told = before or Answered.joined(network)
        seen = Rows(told, np.concatenate(linear), encoded.answers[rows])
        if len(parts.validation):
            fitted = with_confidence(fitted, encoded, seen, unseen)
            fitted = with_novelty(fitted, encoded, unseen)
        fitted.network.cpu()  # judged on the device that it learnt on, which is left now
        where = f"validation rows of {self.source}"
        return fitted, baseline, judge(fitted, baseline, seen, where, bounded=False)


def judged(
    fitted: Fitted, encoded: Encoded, unseen: Unseen, source: str
) -> tuple[Fitted, Baseline, Evaluation]:
    """As ``Judge`` where there is one network to judge."""
    return Judge(encoded, source)(fitted, unseen)


def with_confidence(fitted: Fitted, encoded: Encoded, seen: Rows, unseen: Unseen) -> Fitted:
    """The network with calibrated probabilities and bounds, from rows that it had not learnt from.

    Where it has learnt from them since, its probabilities stay as they are: it is another network by now.
    """
    by, rows = encoded.covered_by, unseen.rows
    confidence = Confidence.found(
        fitted.target,
        seen.network,
        seen.answers,
        coverage=fitted.settings.coverage,
        by=fitted.settings.coverage_by,
        calibrate=unseen.before is None,
        values=None if by is None else by.gather(pl.Series(rows)),
    )
    return replace(fitted, confidence=confidence, choices=(*fitted.choices, *_said(confidence, len(rows))))


def with_novelty(fitted: Fitted, encoded: Encoded, unseen: Unseen) -> Fitted:
    """The network with what tells rows unlike those of training, where enough rows were kept from it."""
    rows = evenly(unseen.rows, MOST_KEPT)
    if len(rows) < FEWEST:
        return fitted
    network, target = fitted.network, fitted.target
    learnt = evenly(encoded.split.train, MOST_LEARNT)
    told = [seen_by(network, held) for held in _held(encoded, rows)]
    seen = [seen_by(network, held)[1] for held in _held(encoded, learnt)]
    novelty = Novelty.found(
        target,
        _joined(seen),
        encoded.answers[learnt] if target.answer in ("classes", "ordered") else None,
        _joined([layers for _, layers in told]),
        np.concatenate([decoded for decoded, _ in told]),
        deep=all(layer.deep for layer in network.input_layers()),
    )
    why = (
        f"share of rows called unlike the training rows by mistake, found on {len(rows):,} kept from training"
    )
    said = Choice(what="abstain", value=FALSE_ALARMS, why=why)
    return replace(fitted, novelty=novelty, choices=(*fitted.choices, said))


def _said(confidence: Confidence, rows: int) -> list[Choice]:
    """What was decided, for people."""
    found = [
        Choice(
            what=f"calibration {part.target.column if len(confidence.parts) > 1 else ''}".rstrip(),
            value=part.calibrator.name,
            why=f"the correction of probabilities with the least loss on {rows:,} rows kept from training",
        )
        for part in confidence.parts
        if part.answer_is_set
    ]
    if confidence.most() < confidence.coverage:
        why = f"{rows:,} rows kept from training promise {confidence.most():.2f} at most: there are no bounds"
        return [*found, Choice(what="coverage", value=None, why=why)]
    where = f", in every group of {confidence.by!r}" if confidence.by else ""
    why = f"share of the bounds that hold{where}, found on {rows:,} rows kept from training"
    return [*found, Choice(what="coverage", value=confidence.coverage, why=why)]


def _held(encoded: Encoded, rows: np.ndarray) -> Iterator[Arrays]:
    """The arrays of these rows, some at a time: copies of media are large."""
    size = rows_encoded(encoded.features)
    for start in range(0, len(rows), size):
        yield {name: each[rows[start : start + size]] for name, each in encoded.arrays.items()}


def _joined(parts: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    """Layer by layer, rows after rows."""
    return [np.concatenate(layer) for layer in zip(*parts, strict=True)]
