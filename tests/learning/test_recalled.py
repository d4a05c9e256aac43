"""What the champion says is asked once, and is the same whichever rows were asked about before."""

from __future__ import annotations

import numpy as np

from lamina.learning.arrayed import Arrayed
from lamina.learning.recalled import Recalled
from small_fitted import fitted_on


def test_what_was_asked_is_recalled_and_the_rest_is_asked() -> None:
    fitted, frame, _ = fitted_on("number")
    ids = [f"row {k}" for k in range(frame.height)]
    whole = Arrayed(fitted.features, frame).answered(fitted).decoded
    recalled = Recalled(fitted)
    recalled.note(ids[:5], whole[:5] + 1)  # told apart from what it would say itself
    some = np.array([7, 2, 4, 11, 0])
    found = recalled.decoded(frame[some], [ids[k] for k in some])
    np.testing.assert_allclose(found, whole[some] + (some < 5)[:, None], atol=1e-6)
    again = recalled.decoded(frame[[7]], ids[7:8])
    assert np.array_equal(again[0], found[0])
    assert len(recalled.decoded(frame[:0], [])) == 0
    assert Recalled(fitted).decoded(frame[:0], []).shape == (0, whole.shape[1])
