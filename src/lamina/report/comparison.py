"""The network beside its baselines on the same rows: resampled together, so differences have intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from lamina.features.targets.base import Target
from lamina.scores.intervals import intervals
from lamina.scores.ranking import Scores
from lamina.tasks import more_is_better

NETWORK: Final = "network"
# The score that a person understands first, by kind of answer
HEADLINES: Final[Mapping[str, str]] = {
    "classes": "accuracy",
    "ordered": "accuracy",
    "labels": "micro_f1",
    "number": "mae",
    "count": "mae",
    "amount": "mae",
    "quantiles": "mae",
    "transcript": "wer",
    "mask": "iou",
}

Verdict = Literal["better", "alike", "worse"]


@dataclass(frozen=True)
class Comparison:
    """``scores`` and their ``intervals`` by who answered (the network, then the baselines) and score;
    ``ahead`` by baseline and score: the interval of how much better the network is, positive is better."""

    scores: dict[str, Scores]
    intervals: dict[str, dict[str, tuple[float, float]]]
    ahead: dict[str, dict[str, tuple[float, float]]]
    headline: str

    def verdict(self, baseline: str, score: str) -> Verdict:
        """Whether the network is clearly better than a baseline, beyond what other rows would change."""
        low, high = self.ahead[baseline].get(score, (0.0, 0.0))
        return "better" if low > 0 else "worse" if high < 0 else "alike"


def compared(
    target: Target, told: np.ndarray, others: Mapping[str, np.ndarray], answers: np.ndarray
) -> Comparison:
    """``told`` and ``others`` are decoded answers for the same rows."""
    who = {NETWORK: told, **others}
    scores = {name: target.judge(each, answers) for name, each in who.items()}
    headline = HEADLINES.get(target.answer, target.metrics[0])
    judged = (headline, target.metrics[0])

    def drawn(rows: np.ndarray, _: np.ndarray) -> Scores:
        own = {name: target.judge(each[rows], answers[rows]) for name, each in who.items()}
        found = {f"{name}|{score}": value for name, each in own.items() for score, value in each.items()}
        for name in others:
            for score in judged:
                if score in own[NETWORK] and score in own[name]:
                    gap = own[NETWORK][score] - own[name][score]
                    found[f"ahead|{name}|{score}"] = gap if more_is_better(score) else -gap
        return found

    spans = intervals(drawn, np.arange(len(answers)), answers)
    return Comparison(
        scores=scores,
        intervals={name: _under(f"{name}|", spans) for name in who},
        ahead={name: _under(f"ahead|{name}|", spans) for name in others},
        headline=headline if headline in scores[NETWORK] else next(iter(scores[NETWORK])),
    )


def _under(prefix: str, spans: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    return {name.removeprefix(prefix): each for name, each in spans.items() if name.startswith(prefix)}
