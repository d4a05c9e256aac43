"""The first judgement of a new network: baselines, and scores on its validation rows."""

from __future__ import annotations

import numpy as np

from lamina.predictions.answers import network_answers, rows_encoded
from lamina.predictions.baseline import Baseline
from lamina.predictions.evaluate import judge
from lamina.predictions.linear import fit_linear
from lamina.records import Evaluation
from lamina.training.encode import Encoded
from lamina.training.fitted import Fitted


def judged(fitted: Fitted, encoded: Encoded, source: str) -> tuple[Baseline, Evaluation]:
    """Baselines fitted on the training rows; everybody's scores on the validation rows.

    The network's passes were chosen on these rows, so its scores here are a little kind; a file it has
    never seen (``evaluate``) tells the truth.
    """
    parts, output = encoded.split, fitted.network.output
    learnt = encoded.answers[parts.train]
    baseline = Baseline(
        encoded.target.constant(learnt).astype(np.float32),
        *fit_linear(
            output, encoded.features, encoded.arrays, encoded.answers, parts.train, fitted.settings.seed
        ),
    )
    rows = parts.validation if len(parts.validation) else parts.train
    network, linear = [], []
    for part in _parts(rows, rows_encoded(encoded.features)):
        held = {name: each[part] for name, each in encoded.arrays.items()}
        network.append(network_answers(fitted.network, held))
        linear.append(baseline.linear_answers(encoded.features, held, output))
    answered = np.concatenate(network), np.concatenate(linear)
    return baseline, judge(fitted, baseline, answered, encoded.answers[rows], f"validation rows of {source}")


def _parts(rows: np.ndarray, size: int) -> list[np.ndarray]:
    """Some rows at a time: copies of media are large."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]
