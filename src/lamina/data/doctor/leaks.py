"""Single columns that give the answer away.

Two degrees. A ``leak`` cannot be an honest column: a copy of the answer in whatever spelling, a column whose
few values settle it, one that is filled in exactly where the answer has one value, or what was written down
about the answer when it was given (its confidence, its gold label). The fit leaves it out unless told
otherwise. A ``possible-leak`` is only stronger than columns usually are: it is warned of and stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from lamina.data.doctor.case import FEW_ROWS, Case, some
from lamina.data.doctor.strength import as_numbers, strength
from lamina.records import Field, Finding

MOST_LEVELS: Final = 100  # a column with more values can fit any answer by chance
SURE_ROWS: Final = 200  # below this, a column that settles the answer may do so by chance
EXCEPTIONS: Final = 0.01  # of the rows that a guess of the commonest answer gets wrong
SAME: Final = 1e-9  # share of the variation that is rounding
TELLING_ROWS: Final = 30  # filled (or empty) cells that all have one answer
BY_CHANCE: Final = 1e-5
STRONG: Final = {"classes": 0.90, "number": 0.98}  # share of the answer told by one honest column, at most

PLACE: Final = 0.5  # share of the variation of the row number that a column tells

# Written down about an answer when it is given
ABOUT: Final = frozenset(
    {"confidence", "conf", "gold", "annotator", "annotators", "labeler", "labelers", "votes", "agreement"}
)
# What may be another model's view of the answer
GUESSED: Final = frozenset(
    {"predicted", "prediction", "pred", "probability", "prob", "proba", "estimated", "estimate"}
)


def leak(case: Case, field: Field, how: str) -> Finding:
    """A column that the fit leaves out, and how to keep it."""
    name = field.name
    return Finding(
        severity="warning",
        code="leak",
        column=name,
        count=case.height,
        message=f"Column {name!r} gives the answer away: it {how}. A model that reads it looks perfect here "
        "and fails in use, where the answer is not known yet.",
        remedy=f"It is left out. If it is known before the answer, keep it with roles={{{name!r}: 'input'}}.",
        effect="Scores fall to what can be reached in use.",
    )


def possible_leak(case: Case, field: Field, how: str, effect: str = "") -> Finding:
    """A column to ask about."""
    name = field.name
    return Finding(
        severity="warning",
        code="possible-leak",
        column=name,
        count=case.height,
        message=f"Column {name!r} {how}. Is it known at the moment of the prediction? If it is only "
        "known afterwards, the model will look good here and fail in use.",
        remedy=f"If it is known only afterwards, leave it out with roles={{{name!r}: 'ignored'}}.",
        effect=effect or "Scores fall to what can be reached in use.",
    )


def leaks(case: Case) -> Iterator[Finding]:
    """The first reason for every column that has one; sure ones are looked for before possible ones."""
    if case.target is None or case.height < FEW_ROWS:
        return
    sure: list[str] = []
    for field in case.inputs:
        how = _copies(case, field) or _settles(case, field, sure=True) or _filled(case, field)
        if how is not None:
            sure.append(field.name)
            yield leak(case, field, how)
    for field in case.inputs:
        base = None if field.name in sure else _about(field.name, [case.target.name, *sure], ABOUT)
        if base is not None:
            sure.append(field.name)
            yield leak(case, field, f"was written down about {base!r} when that was given, as its name says")
    for field in case.inputs:
        if field.name not in sure:
            yield from _possible(case, field)


def _possible(case: Case, field: Field) -> Iterator[Finding]:
    how = (
        _settles(case, field, sure=False)
        or _only_filled(case, field)
        or _guessed(case, field)
        or _strong(case, field)
    )
    if how is not None:
        yield possible_leak(case, field, how)


def _copies(case: Case, field: Field) -> str | None:
    """The same cells, or for numbers the same up to a factor and a shift."""
    assert case.target is not None
    cells, answers = case.sample[field.name], case.sample[case.target.name]
    if cells.dtype == answers.dtype and cells.equals(answers):
        return f"is a copy of {case.target.name!r}"
    if case.answer != "number" or field.kind not in ("number", "flag"):
        return None
    told, scale = _straight(as_numbers(cells), case.answers)
    if told is None or told < 1 - SAME:
        return None
    return f"is {case.target.name!r} in another unit (times {scale:.6g}, but for a shift)"


def _straight(x: np.ndarray, y: np.ndarray) -> tuple[float | None, float]:
    """Share of the variation of y that a straight line in x explains, and 1 / its slope."""
    filled = np.isfinite(x) & np.isfinite(y)
    x, y = x[filled], y[filled]
    if len(x) < max(FEW_ROWS, 0.9 * len(filled)) or len(np.unique(y[:1000])) < 10:
        return None, 0.0
    x, y = x - x.mean(), y - y.mean()
    xx, yy, xy = float(x @ x), float(y @ y), float(x @ y)
    if not (xx > 0 and yy > 0 and np.isfinite(xx * yy)) or xy == 0:
        return None, 0.0
    return xy * xy / (xx * yy), xx / xy


def _table(case: Case, field: Field) -> np.ndarray | None:
    """Rows by level and class ``(level, class)``, where the column has few levels."""
    levels = case.levels[field.name].astype(np.int64)
    size, classes = int(levels.max()) + 1, len(case.classes)
    used = int((np.bincount(levels, minlength=size) > 0).sum())
    if not 2 <= used <= min(MOST_LEVELS, len(levels) // 10) or case.sample[field.name].n_unique() != used:
        return None
    return np.bincount(levels * classes + case.answers, minlength=size * classes).reshape(size, classes)


def _settles(case: Case, field: Field, *, sure: bool) -> str | None:
    """Whether the few values of a column leave the answer open nowhere."""
    if field.kind == "date":
        return None
    if case.answer == "number":
        return _settles_number(case, field) if sure else None
    table = _table(case, field)
    if table is None or len(case.classes) < 2:
        return None
    rows, right = table.sum(), table.max(1).sum()
    chance = rows - table.sum(0).max()
    if rows - right > EXCEPTIONS * chance:
        return None
    used = int((table.sum(1) > 0).sum())
    if used < len(case.classes) or (sure and used > len(case.classes) and rows < SURE_ROWS):
        return None
    if used == len(case.classes):
        return "stands one for one for the answer, under other names" if sure else None
    but = f" but for {some(int(rows - right), 'row', 'rows')}" if rows > right else ""
    return f"alone settles the answer{but}: each of its {used} values goes with one answer only"


def _settles_number(case: Case, field: Field) -> str | None:
    """Few values, each with one answer of its own."""
    levels = case.sample[field.name].n_unique()
    enough = levels <= min(MOST_LEVELS, len(case.sampled) // 20) and len(case.sampled) >= SURE_ROWS
    if not enough or len(np.unique(case.answers[:1000])) < 3 or case.strengths[field.name].told < 0.9:
        return None
    codes = np.unique(case.levels[field.name], return_inverse=True)[1]
    if codes.max() + 1 != levels:
        return None
    means = np.bincount(codes, weights=case.answers) / np.bincount(codes)
    left = float(((case.answers - means[codes]) ** 2).sum())
    if left > SAME * len(codes) * float(case.answers.var()):
        return None
    return f"settles the answer: each of its {levels} values goes with one number only"


def _masks(case: Case, field: Field) -> Iterator[tuple[str, np.ndarray]]:
    """Where a column says something: is filled, and for numbers is not zero."""
    cells = case.sample[field.name]
    filled = cells.is_not_null().to_numpy()
    if not filled.all():
        yield "filled in", filled
    if field.kind == "number":
        yield "filled in and not 0", filled & (cells.fill_null(0.0) != 0).to_numpy()


def _filled(case: Case, field: Field) -> str | None:
    """Filled in exactly where the answer is one of the classes (or is not)."""
    if case.answer != "classes" or len(case.sampled) < SURE_ROWS or case.sample[field.name].n_unique() <= 2:
        return None
    counts = np.bincount(case.answers, minlength=len(case.classes))
    for words, mask in _masks(case, field):
        inside = np.bincount(case.answers[mask], minlength=len(case.classes))
        for turned, here in (("", inside), ("not ", counts - inside)):
            wrong = here.sum() - here + counts - here  # here and another class, or this class and not here
            one = int(np.argmin(wrong))
            small = min(counts[one], len(case.answers) - counts[one])
            if small >= TELLING_ROWS and wrong[one] <= 0.001 * small:
                return f"is {words} exactly where the answer is {turned}{case.classes[one]!r}"
    return None


def _only_filled(case: Case, field: Field) -> str | None:
    """Filled in (or empty) in some rows, all of which have one answer."""
    if case.answer != "classes" or len(case.sampled) < SURE_ROWS:
        return None
    counts = np.bincount(case.answers, minlength=len(case.classes))
    filled = case.sample[field.name].is_not_null().to_numpy()
    for words, mask in (("filled in", filled), ("empty", ~filled)):
        inside = np.bincount(case.answers[mask], minlength=len(case.classes))
        one = int(np.argmax(inside))
        rows = int(inside.sum())
        chance = rows * np.log(max(counts[one] / len(case.answers), 1e-300))
        if rows >= TELLING_ROWS and inside[one] == rows and chance < np.log(BY_CHANCE):
            return f"is {words} in {rows:,} rows, and in all of them the answer is {case.classes[one]!r}"
    return None


def words_of(name: str) -> list[str]:
    """``saleAmount_USD`` → sale, amount, usd."""
    return re.findall(r"[a-z]+|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())


def _about(name: str, bases: list[str], said: frozenset[str]) -> str | None:
    """The column of which this one's name says that it tells something about it."""
    words = words_of(name)
    for base in bases:
        root = words_of(base)
        for rest in (words[len(root) :] if words[: len(root)] == root else [],
                     words[: -len(root)] if root and words[-len(root) :] == root else []):  # fmt: skip
            if rest and set(rest) <= said:
                return base
    return None


def _guessed(case: Case, field: Field) -> str | None:
    """A name that speaks of a guess at the answer, or of somebody's confidence in one."""
    assert case.target is not None
    if _about(field.name, [case.target.name], GUESSED) is not None:
        return f"seems to be another model's guess at {case.target.name!r}"
    if words_of(field.name)[-1:] in (["gold"], ["confidence"]) and len(words_of(field.name)) > 1:
        return "seems to have been written down while answers were given"
    return None


def _strong(case: Case, field: Field) -> str | None:
    """A column that tells nearly everything."""
    assert case.answer is not None
    found = case.strengths[field.name]
    told = found.told
    if case.answer == "number" and field.kind in ("number", "flag"):
        told = max(told, _straight(as_numbers(case.sample[field.name]), case.answers)[0] or 0.0)
    if told >= STRONG[case.answer]:
        return f"alone tells {told:.1%} of the answer"
    counts = np.bincount(case.answers, minlength=len(case.classes)) if case.classes else np.zeros(1)
    if len(case.classes) > 2 and found.single >= 0.98 and counts[found.which] >= TELLING_ROWS:
        return f"alone tells {case.classes[found.which]!r} from all other answers"
    return None


def order(case: Case) -> Iterator[Finding]:
    """Whether the place of a row tells its answer."""
    if case.target is None or case.height < 10 * FEW_ROWS or not case.inputs:
        return
    how = _neighbours(case)
    if how is None:
        return
    for field in case.inputs:
        if field.kind != "category" and case.strengths[field.name].told > 0.1 and _follows_rows(case, field):
            yield possible_leak(case, field, f"grows from row to row, and {how}: it tells the answer by that")
    place = _tells_place(case)
    arranged = case.schema.with_role("time") or case.schema.with_role("group")
    yield Finding(
        severity="note" if place is None or arranged else "warning",
        code="row-order",
        column=case.target.name,
        count=case.height,
        message=f"In this table {how}. {_harm(place)}",
        remedy="If the rows stand in the order of time, give the column that says when the role time; if "
        "they come in blocks, give the column that names the block the role group.",
        effect="" if place is None else "Scores fall to what can be reached on new times or blocks.",
    )


def _harm(place: str | None) -> str:
    """What comes of neighbours that are alike."""
    if place is None:
        return "No column tells where a row stands, so that this does little harm by itself."
    return (
        f"Column {place!r} tells about where a row stands. A row held back at random then has its likes "
        "among the rows learnt from, and the model looks better than it is on rows of another time or source."
    )


def _tells_place(case: Case) -> str | None:
    """The column that tells best where in the table a row stands, if one does."""
    where = case.sampled.astype(np.float64)
    told = {f.name: strength(case.levels[f.name], where, 0).told for f in case.inputs}
    best = max(told, key=lambda name: told[name])
    return best if told[best] >= PLACE else None


def _neighbours(case: Case) -> str | None:
    """How alike the answers of neighbouring rows are, where it is far more than by chance."""
    assert case.target is not None
    answers = case.all_answers
    if case.answer == "number":
        return _neighbours_in_number(answers.cast(pl.Float64).to_numpy())
    same = (answers[1:].to_frame("a").with_columns(b=answers[:-1])).select(pl.col("a") == pl.col("b"))["a"]
    agree = float(same.mean() or 0)  # type: ignore[arg-type]
    shares = np.bincount(case.answers) / len(case.answers)
    chance = float((shares**2).sum())
    if (len(same) - int(same.sum())) < 2 * len(case.classes):
        return "the rows are sorted by the answer"
    spread = np.sqrt(chance * (1 - chance) / len(same))
    if agree < chance + max(0.2 * (1 - chance), 8 * spread):
        return None
    return f"neighbouring rows have the same answer in {agree:.0%} of the cases ({chance:.0%} by chance)"


def _neighbours_in_number(answers: np.ndarray) -> str | None:
    steps = np.diff(answers)
    if (steps >= 0).all() or (steps <= 0).all():
        return "the rows are sorted by the answer"
    ranks = np.argsort(np.argsort(answers, kind="stable"), kind="stable").astype(np.float64)
    alike = float(np.corrcoef(ranks[1:], ranks[:-1])[0, 1])
    if alike < max(0.5, 8 / np.sqrt(len(answers))):
        return None
    return f"the answers of neighbouring rows are alike (correlation {alike:.2f})"


def _follows_rows(case: Case, field: Field) -> bool:
    """Whether a column grows, or shrinks, with the row number."""
    values = as_numbers(case.sample[field.name])
    values = values[np.isfinite(values)]
    if len(values) < 0.9 * len(case.sampled) or len(np.unique(values)) < 0.5 * len(values):
        return False
    steps = np.diff(values)
    return bool((steps >= 0).mean() > 0.999 or (steps <= 0).mean() > 0.999)
