"""The gate: a candidate takes over only if it is proved better on what is new, and not worse on what was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from lamina.data.groups import Grouping
from lamina.learning.compare import LEAST, SMALL, allowance, beyond_chance, compared, not_needed
from lamina.learning.losses import RowLosses
from lamina.learning.reasons import advice, why_kept, why_promoted
from lamina.learning.records import Comparison, LearnSettings, Verdict

ORDER: Final = "rank of rare classes"
LEAST_GROUP: Final = 50  # rows of a group that can be judged by itself


class Judged(NamedTuple):
    """What both lose on the same rows that neither has learnt from; ``blind`` is what the best constant
    answer loses there, (loss, error); ``small``: the share of it that small losses count as; ``taken``: the
    share of the rows that the candidate answers with a class that the champion does not know; ``fair``: what
    both lose with the probabilities of the one that does not know such rows corrected on them."""

    champion: RowLosses
    candidate: RowLosses
    blind: tuple[float, float]
    small: float = SMALL
    taken: float | None = None
    fair: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def rows(self) -> int:
        return len(self.champion.loss)


class Ranked(NamedTuple):
    """How far both are from telling the rows of rare classes from the others, (champion, candidate): a loss
    for each such row among the ``new`` ones, and among ``every`` row that judges (see ``rank_losses``)."""

    new: tuple[np.ndarray, np.ndarray]
    every: tuple[np.ndarray, np.ndarray]


def decide(
    new: Judged,
    old: Judged,
    settings: LearnSettings,
    *,
    groups: Sequence[Grouping] = (),
    relation: bool = False,
    ranked: Ranked | None = None,
    twice: bool = False,
) -> Verdict:
    """Promoted or kept.

    On new rows: better by a one-sided test at the level. On old rows: not worse by more than the margin, by a
    test that says so only where that is proved (non-inferiority). In no group worse by more, beyond chance.
    ``groups`` are of the new rows and after them the old ones; ``relation``: the same inputs mean something
    else now, so that old rows may not be the judges; then the candidate must decide better on new rows by
    more than half of what it loses on old ones; without ``relation`` it must win on new rows with both
    corrected, where that was compared. ``ranked``: there are rare classes, of which a mean loss tells little.
    Then new rows may also show by their order that it is better, at half of the level each, and rows of rare
    classes must not stand worse among all rows, as far as can be seen. ``twice``: old rows may be asked about
    two steps, each time at half of the level.
    """
    better = on_new(new, ranked, settings)
    decides = following(new, old, settings)
    strict = halved(settings) if twice else settings
    tests = [*better, *not_worse("old rows", old, strict), *in_groups(new, old, groups, settings)]
    if new.fair is not None and not relation:
        tests.append(decides[0])
        decides = decides[1:]
    shown = (*tests, *(not_needed(each) for each in decides))
    failed = [each for each in tests if each.needed and not each.passed]
    if not failed:
        return Verdict(outcome="promoted", why=why_promoted(tests), tests=shown)
    follow = relation and settings.relation == "follow"
    freed = [not_needed(each) if each.on in ("old rows", "all rows") else each for each in tests]
    if follow and all(each.passed for each in (*decides, *(e for e in freed if e.needed))):
        why = (
            "the relation between inputs and answers changed, and the candidate decides better on the new "
            "rows by more than half of what it loses on the old ones"
        )
        return Verdict(outcome="promoted", why=why, tests=(*freed, *decides), followed=True)
    return Verdict(outcome="kept", why=why_kept(failed), advice=advice(failed), tests=shown)


def proved_better(verdict: Verdict) -> bool:
    """Whether the candidate answers new rows better, whatever else was found."""
    return verdict.tests[0].passed


def halved(settings: LearnSettings) -> LearnSettings:
    """For two tests of which either one may decide."""
    return msgspec.structs.replace(settings, level=settings.level / 2)


def contradicted(verdict: Verdict) -> bool:
    """Whether learning the new rows did harm and no good: they are not to be learnt from again.

    So it is where old rows are answered worse by more than the margin, and new ones no better: mislabelled
    rows look like this, and rows of a world that changed do not.
    """
    tests = [each for each in verdict.tests if each.needed]
    worse = any(each.on == "old rows" and each.difference > each.allowed for each in tests)
    better = any(each.on == "new rows" and each.passed for each in verdict.tests[1:])
    return verdict.outcome == "kept" and worse and not better


# ----------------------------------------------------------------------------------------- the tests


def superior(
    on: str, champion: np.ndarray, candidate: np.ndarray, measure: str, settings: LearnSettings
) -> Comparison:
    """Whether the candidate's mean loss is smaller: the bound of the difference lies below zero."""
    return compared(on, champion, candidate, measure, settings.level, allowed=0.0)


def on_new(new: Judged, ranked: Ranked | None, settings: LearnSettings) -> list[Comparison]:
    """Whether new rows are answered better; the test that says so, or the first, is needed."""
    if ranked is None:
        return [
            superior("new rows", new.champion.loss, new.candidate.loss, new.champion.measures[0], settings)
        ]
    half = halved(settings)
    loss = superior("new rows", new.champion.loss, new.candidate.loss, new.champion.measures[0], half)
    order = superior("new rows", *ranked.new, ORDER, half)
    every = compared("all rows", *ranked.every, ORDER, settings.level, allowed=0.0)
    no_worse = msgspec.structs.replace(every, passed=every.rows < LEAST or every.difference <= 0)
    if loss.passed or not order.passed:
        return [loss, not_needed(order), no_worse]
    allowed = allowance(new.champion.loss, new.blind[0], settings.margin)
    return [order, beyond_chance(msgspec.structs.replace(loss, allowed=allowed)), no_worse]


def not_worse(on: str, judged: Judged, settings: LearnSettings) -> list[Comparison]:
    """Whether losses rose by no more than the margin, which has to be proved, and errors by no more than that
    beyond chance: few rows prove nothing of rare errors. Without old rows there is nothing to say."""
    if not judged.rows:
        return []
    found = []
    for number, measure in enumerate(dict.fromkeys(judged.champion.measures)):
        old, new = ((each.loss, each.error)[number] for each in (judged.champion, judged.candidate))
        allowed = allowance(old, judged.blind[number], settings.margin, judged.small)
        test = compared(on, old, new, measure, settings.level, allowed=allowed)
        found.append(beyond_chance(test) if number else test)
    if judged.taken is not None:
        found.append(_taken(on, judged, settings))
    return found


def _taken(on: str, judged: Judged, settings: LearnSettings) -> Comparison:
    """The share of old rows that are answered with a class that has just been learnt."""
    share = judged.taken or 0.0
    return Comparison(
        on=on, measure="answered with a new class", rows=judged.rows, champion=0.0, candidate=share,
        difference=share, most=share, allowed=settings.margin, passed=share <= settings.margin,
    )  # fmt: skip


def in_groups(
    new: Judged, old: Judged, groups: Sequence[Grouping], settings: LearnSettings
) -> list[Comparison]:
    """Whether losses rose by more than the margin in any named group, beyond chance: groups are too small to
    prove that they did not. Of new and old rows together."""
    champion = np.concatenate([new.champion.loss, old.champion.loss])
    candidate = np.concatenate([new.candidate.loss, old.candidate.loss])
    measure, blind, found = new.champion.measures[0], max(new.blind[0], old.blind[0]), []
    for each in groups:
        for name, inside in zip(each.names, each.members, strict=True):
            if inside.sum() >= LEAST_GROUP:
                before, after = champion[inside], candidate[inside]
                allowed = allowance(before, blind, settings.margin)
                on = f"{each.column} = {name}"
                test = compared(on, before, after, measure, settings.level, allowed=allowed)
                found.append(beyond_chance(test))
    return found


def following(new: Judged, old: Judged, settings: LearnSettings) -> list[Comparison]:
    """Whether answers, not only how sure they are, are better on new rows, by more than half of what old rows
    lose: where an old relation is turned round, all that is won there is lost here.

    Mislabelled rows make a candidate less sure, which costs less on such rows, but tell it nothing else. So
    losses are compared after the probabilities of the champion have been corrected on new rows, those of the
    candidate on old ones; where there are no probabilities, errors.
    """
    measures = new.champion.measures
    measure = measures[1] if new.fair is None else f"{measures[0]}, probabilities corrected"
    champion, candidate = new.fair or (new.champion.error, new.candidate.error)
    before, after = old.fair or (old.champion.error, old.candidate.error)
    lost = max(float((after - before).mean()), 0.0) if old.rows else 0.0
    on = "new rows, beside half of what old rows lose"
    return [
        compared("new rows", champion, candidate, measure, settings.level, allowed=0.0),
        compared(on, champion, candidate + lost / 2, measure, settings.level, allowed=0.0),
    ]
