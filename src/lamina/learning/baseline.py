"""The honest baselines beside a candidate."""

from __future__ import annotations

import numpy as np

from lamina.learning.candidate import Lesson
from lamina.learning.trained import Trained
from lamina.predictions.baseline import Baseline, linear_width
from lamina.predictions.linear import fit_linear
from lamina.training.fitted import Fitted

MOST_ROWS = 5_000  # rows of the linear model


def renewed_baseline(champion: Trained, candidate: Fitted, what: Lesson, seed: int) -> Baseline:
    """The constant answer of all the rows of the lesson; the linear model is fitted anew where the network
    has grown out of it, and stays as it is elsewhere: fitting it takes longer than many an update."""
    old = champion.baseline
    constant = candidate.target.constant(what.answers).astype(np.float32)
    wide = linear_width(candidate.features)
    fits = old.weights.shape == (wide, candidate.target.scores) or not candidate.network.output.linear
    if fits:
        return Baseline(constant, old.weights, old.bias)
    rows = np.linspace(0, len(what) - 1, min(len(what), MOST_ROWS)).astype(np.int64)
    linear = fit_linear(
        candidate.network.output, candidate.features, what.arrays, what.answers, np.unique(rows), seed
    )
    return Baseline(constant, *linear)
