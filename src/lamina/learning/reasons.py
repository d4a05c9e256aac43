"""Why a candidate was promoted or kept, and what would help, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lamina.learning.compare import LEAST
from lamina.learning.records import Comparison


def why_promoted(tests: Sequence[Comparison]) -> str:
    """What the first of the tests has shown."""
    first = tests[0]
    return (
        f"on {first.rows:,} new rows that it had not seen, the candidate's {first.measure} is "
        f"{first.candidate:.4g} instead of {first.champion:.4g}, and on old rows it is not worse by more "
        "than the margin"
    )


def why_kept(failed: Sequence[Comparison]) -> str:
    """What every failed test says."""
    said = []
    for each in failed:
        if each.rows < LEAST:
            said.append(f"{each.on}: {each.rows} rows are too few to compare by")
        elif each.allowed == 0:
            said.append(
                f"{each.on}: {each.measure} {each.candidate:.4g} instead of {each.champion:.4g} is not "
                f"proved to be better ({each.rows:,} rows)"
            )
        else:
            said.append(
                f"{each.on}: {each.measure} rose from {each.champion:.4g} to {each.candidate:.4g}, or may "
                f"have risen by {each.most:.2g}; {each.allowed:.2g} is allowed ({each.rows:,} rows)"
            )
    return "; ".join(said)


def advice(failed: Sequence[Comparison]) -> str:
    """What would help against the first of the failed tests."""
    first = failed[0]
    if first.rows < LEAST:
        return f"Bring more rows with answers: at least {LEAST} of those held back to judge by are needed."
    if first.allowed == 0 and first.difference < 0:
        gap, reach = -first.difference, first.most - first.difference
        needed = int(np.ceil(first.rows * (reach / max(gap, 1e-12)) ** 2))
        return (
            f"If the gain is real, about {needed:,} rows to judge by would show it; they add up from update "
            "to update."
        )
    if first.allowed == 0:
        return (
            "The champion answers these rows as well as a network that has learnt from them: nothing to do."
        )
    if first.difference <= first.allowed:
        return (
            "The old rows are too few to prove that nothing is lost: raise the margin, or keep more of them."
        )
    return (
        "The new rows contradict the old ones. Look at the answers of the new rows; if the world did change, "
        "more rows like these will show it."
    )
