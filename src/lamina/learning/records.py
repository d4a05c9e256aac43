"""The frozen records of one update: what was found, what moved, what grew, how it was judged."""

from __future__ import annotations

from typing import Literal

import msgspec

from lamina.errors import UsageError, nearest
from lamina.records import Finding

Outcome = Literal["promoted", "kept", "refused", "unchanged", "failed"]


class LearnSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a user may set about an update.

    - ``level``: how often the one-sided tests may be wrong: a candidate that is no better is promoted in at
      most this share of updates
    - ``margin``: how much worse it may be on old rows, as a share of the champion's loss there (of small
      losses: of a tenth of what a constant answer loses)
    - ``judge``: the share of the new rows that is judged on and not learnt from
    - ``by``: columns in whose every group it may not be worse either
    - ``relation``: what to do when the same inputs mean something else than before: "follow" lets a
      candidate that clearly decides better on new rows take over although old rows say otherwise; "hold"
      never does
    - ``columns``: "learn" columns that the network has never seen, or "ignore" them
    - ``force``: findings that would refuse the rows and are to be only warned of, by their codes
    - ``time_limit``: seconds that learning may take (the result then depends on the machine's speed)
    - ``seed``: of every random choice
    """

    level: float = 0.05
    margin: float = 0.05
    judge: float = 0.25
    by: tuple[str, ...] = ()
    relation: Literal["follow", "hold"] = "follow"
    columns: Literal["learn", "ignore"] = "learn"
    force: tuple[str, ...] = ()
    time_limit: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name, most in (("level", 0.5), ("judge", 1.0), ("margin", 1.0)):
            value = getattr(self, name)
            if not 0 < value < most:
                raise UsageError(
                    f"{name}={value!r} cannot be.",
                    f"Give a number above 0 and below {most:g}.",
                    **{name: value},
                )
        for name, words in (("relation", ("follow", "hold")), ("columns", ("learn", "ignore"))):
            value = getattr(self, name)
            if value not in words:
                raise UsageError(f"{name}={value!r} cannot be.", nearest(str(value), words), **{name: value})
        if self.time_limit is not None and not 0 < self.time_limit < float("inf"):
            raise UsageError(
                f"time_limit={self.time_limit!r} cannot be.", "Give a number of seconds above 0, or none."
            )


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was compared with what the champion learnt from.

    ``what``: a column's values, its missing cells, the answers, the relation between inputs and answers, or
    the network's own view of the rows (features). ``distance`` is how far it is away, in ``measure``; ``p``
    how often chance alone makes as much; ``moved`` whether that is beyond chance, all comparisons of the
    update together. ``effect`` is what it does to the score, in words, where that is known.
    """

    what: Literal["column", "missing", "answers", "relation", "features"]
    measure: str
    distance: float
    p: float
    moved: bool
    message: str
    column: str | None = None
    effect: str = ""


class Grown(msgspec.Struct, frozen=True, kw_only=True):
    """What the network knows now that it did not know before; ``values`` are the first hundred."""

    what: Literal["category", "set", "word", "class", "label", "column"]
    column: str
    values: tuple[str, ...]
    count: int


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Candidate against champion on the same rows.

    ``champion`` and ``candidate`` are mean losses in ``measure`` (less is better), ``difference`` candidate
    minus champion with a one-sided bound ``most``: it is larger only with probability ``level``. ``allowed``
    is where that bound may lie at most; ``passed`` whether it does. ``needed``: whether promotion depends
    on it.
    """

    on: str
    measure: str
    rows: int
    champion: float
    candidate: float
    difference: float
    most: float
    allowed: float
    passed: bool
    needed: bool = True


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the candidate takes over, why, what would help, and the comparisons behind it.

    ``followed``: it took over because the relation between inputs and answers changed, although old rows say
    otherwise.
    """

    outcome: Outcome
    why: str
    advice: str = ""
    tests: tuple[Comparison, ...] = ()
    followed: bool = False


class UpdateReport(msgspec.Struct, frozen=True, kw_only=True):
    """One update, step by step.

    ``rows``: how many came, were set aside, were known already, were learnt from and judged on; ``seconds``
    of each step; ``scores``: of "champion" and "candidate" on "new" and "old" judge rows
    (``champion on new``, …), in the user's unit; ``how`` the candidate was trained, in words;
    ``way``: how far the champion went from its weights to those learnt, 0 to 1 (1: the whole way).
    """

    verdict: Verdict
    checked: tuple[Finding, ...] = ()
    drift: tuple[Drift, ...] = ()
    grown: tuple[Grown, ...] = ()
    rows: dict[str, int] = {}
    seconds: dict[str, float] = {}
    scores: dict[str, dict[str, float]] = {}
    how: str = ""
    way: float = 1.0
