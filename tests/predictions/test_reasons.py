"""Why an answer had better come from a person, with few targets and with many."""

from __future__ import annotations

import numpy as np
import pytest

from lamina.features.targets.told import LabelSets
from lamina.predictions.abstain import UNLIKE, UNREADABLE, abstentions


@pytest.mark.parametrize("targets", [1, 3, 14])
def test_every_row_has_its_own_reasons(targets: int):
    rng = np.random.default_rng(0)
    rows = 200
    sure = rng.random((targets, rows)) < 0.8
    known, unlike = rng.random(rows) < 0.9, rng.random(rows) < 0.2
    sets = [
        LabelSets(f"prediction_set_{k}", np.stack([np.ones(rows, bool), ~sure[k]], 1), known, ("a", "b"))
        for k in range(targets)
    ]
    abstain, reason = (each.series().to_list() for each in abstentions(sets, unlike, known))
    for row in range(rows):
        wanted = [f"several classes of {k} are possible" for k in range(targets) if not sure[k, row]]
        wanted = [*wanted, *([UNLIKE] if unlike[row] else [])] if known[row] else [UNREADABLE]
        assert abstain[row] == bool(wanted)
        assert reason[row] == ("; ".join(wanted) or None)
