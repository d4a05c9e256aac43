"""How far the champion goes towards a candidate: as far as rows that neither has learnt from vouch for.

On the way from the champion's weights to the candidate's (Wortsman et al. 2022, "Robust fine-tuning of
zero-shot models") what is gained grows with the step, and what cannot be ruled out to be lost does, too: old
rows that are too few to prove a whole step harmless prove it of a smaller one.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Final, NamedTuple

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from lamina.learning.candidate import Lesson, start
from lamina.learning.gate import proved_better
from lamina.learning.judging import Judges, Seen
from lamina.learning.records import Verdict
from lamina.network.network import Network
from lamina.training.examples import Examples
from lamina.training.fitted import Fitted

SHARES: Final = (0.25, 0.5, 1.0)  # with the champion's correction of probabilities


class Gone(NamedTuple):
    """Where it led: the network and what was seen of it, what the gate said of it, and the ``share`` of the
    whole step, 0 to 1."""

    seen: Seen
    verdict: Verdict
    share: float


class Way:
    """The way from the network as it was when the lesson began to what it had learnt at the end; ``classes``:
    there are new ones."""

    def __init__(self, grown: Fitted, learnt: Fitted, what: Lesson, *, classes: bool) -> None:
        self.begin, self.end = origin(grown, what), learnt
        norms = any(isinstance(each, _BatchNorm) for each in learnt.network.modules())
        # A class is known or is not, and statistics of batches have no middle
        self.divisible = _shapes(self.begin) == _shapes(learnt.network) and not norms and not classes

    def step(self, share: float) -> Fitted:
        """The network ``share`` of the way, 0 to 1."""
        network = self.end.network if share == 1.0 else between(self.begin, self.end.network, share)
        return replace(self.end, engine=network)


def go(way: Way, judges: Judges) -> Gone:
    """The whole step, else the longest shorter one that is promoted and all before it, else the whole, kept.

    Only where the whole step is proved better on new rows, and old rows stand against it, are shorter ones
    judged, in a fixed order that ends with the first one that fails: so all of them together are taken for
    better by mistake no more often than one (Maurer et al. 1995, "Multiple comparisons in clinical trials").
    Old rows are asked twice that way, and at half of the level each time. The whole step may also be
    promoted against the old rows, where the relation changed.
    """
    seen = judges.see(way.step(1.0), corrected=True, follow=judges.relation)
    verdict = judges.verdict(seen, twice=way.divisible, follow=judges.relation)
    whole = gone = Gone(seen, verdict, 1.0)
    if not way.divisible or verdict.outcome == "promoted" or not proved_better(verdict):
        return whole
    for share in SHARES:
        seen = judges.see(way.step(share), corrected=False)
        verdict = judges.verdict(seen, twice=True)
        if verdict.outcome != "promoted":
            break
        gone = Gone(seen, verdict, share)
    return gone


def origin(grown: Fitted, what: Lesson) -> Network:
    """The network as it was when the lesson began."""
    network = copy.deepcopy(grown.network)
    start(network, Examples.of(what.arrays, what.answers, what.weights))
    network.settle()
    return network.eval()


@torch.no_grad()
def between(begin: Network, end: Network, share: float) -> Network:
    """The network ``share`` of the way, 0 to 1; both stay as they are."""
    network, first = copy.deepcopy(end), begin.state_dict()
    network.train()  # what was computed from the weights is dropped
    for name, weights in network.state_dict().items():
        if weights.is_floating_point():
            weights.lerp_(first[name].to(weights), 1 - share)
    return network.eval()


def _shapes(network: Network) -> dict[str, torch.Size]:
    return {name: each.shape for name, each in network.state_dict().items()}
