"""Decisions for the rows of a table, by a network: what ``Model.decide`` and its kin delegate to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from lamina.data.conform import conform
from lamina.data.numbers import NumberForm, detect_number, parse_number
from lamina.data.table import Table
from lamina.decisions.costs import Costs
from lamina.decisions.decide import Worths, decided, decision_frame, worths
from lamina.decisions.formula import Formula, check_columns
from lamina.decisions.limits import Limit
from lamina.decisions.quantities import Demand, best_orders
from lamina.decisions.worth import Money, best_threshold, money
from lamina.errors import TargetError, UsageError
from lamina.features.targets.classes import ClassTarget
from lamina.features.targets.quantiles import QuantilesTarget
from lamina.network.engine import Answered
from lamina.predictions.answers import answers_for, calibrated
from lamina.predictions.predict import answer_rows
from lamina.training.fitted import Fitted
from lamina.warned import warn_of

SEEN = 10_000  # cells that tell how numbers are written


class Rows(NamedTuple):
    """A table twice: as it came, and as the network reads it."""

    raw: pl.DataFrame
    conformed: pl.DataFrame


def rows_of(fitted: Fitted, table: Table, need_target: bool = False) -> Rows:
    """The table as it came and as the network reads it; with ``need_target`` only rows with an answer."""
    frame, findings = conform(table, fitted.schema, need_target=False)
    warn_of((*table.findings, *findings))
    target = fitted.target.column
    if not need_target:
        return Rows(table.frame, frame)
    if target not in frame.columns:
        raise TargetError(
            f"{table.source} has no column {target!r}: what would have been right is not known.",
            "Bring rows whose answers are known.",
            column=target,
        )
    known = frame[target].is_not_null()
    return Rows(table.frame.filter(known), frame.filter(known))


class Made(NamedTuple):
    """Decisions as a frame, and what they rest on: every action's worth, the number of each row's action, the
    network's answers, and whether anything in a row could be read."""

    frame: pl.DataFrame
    worth: Worths
    chosen: np.ndarray
    answered: Answered
    known: np.ndarray

    def at(self, rows: np.ndarray) -> Made:
        """Only the decisions of these rows."""
        decoded, spread, novelty = self.answered
        told = Answered(decoded[rows], spread[rows], None if novelty is None else novelty[rows])
        return Made(self.frame[rows], self.worth.at(rows), self.chosen[rows], told, self.known[rows])


def decide(fitted: Fitted, rows: Rows, costs: Costs, limits: Sequence[Limit]) -> Made:
    """Action, expected value, runner-up and reason for every row."""
    answered, known, _ = answer_rows(fitted, rows.conformed)
    return decide_answered(fitted, rows.raw, answered, known, costs, limits)


def decide_answered(
    fitted: Fitted,
    raw: pl.DataFrame,
    answered: Answered,
    known: np.ndarray,
    costs: Costs,
    limits: Sequence[Limit],
) -> Made:
    """The same for rows that the network has answered already."""
    worth = _worths(fitted, raw, costs, limits, calibrated(fitted, answered.decoded))
    chosen = decided(worth, limits, _groups(raw, limits))
    unlike = None
    if fitted.novelty is not None and answered.novelty is not None:
        unlike = fitted.novelty.unlike(answered.novelty)
    return Made(decision_frame(worth, chosen, known, unlike), worth, chosen, answered, known)


def judge(fitted: Fitted, rows: Rows, costs: Costs, limits: Sequence[Limit], trained: Rows | None) -> Money:
    """The money that deciding would have made on rows with known answers; ``trained`` are rows of their own,
    on which a threshold to compare with is chosen."""
    threshold = None
    if trained is not None:
        if len(_classes(fitted)) != 2:
            raise UsageError(
                "A threshold is chosen between two classes, and the model knows more.",
                "Leave `trained` away.",
            )
        worth, truth, groups = judged_worths(fitted, trained, costs, limits)
        threshold = best_threshold(worth, truth, limits, groups)
    worth, truth, groups = judged_worths(fitted, rows, costs, limits)
    return money(worth, truth, limits, groups, threshold=threshold)


def what_if(
    fitted: Fitted,
    rows: Rows,
    costs: Costs,
    entry: tuple[str, str],
    amounts: Iterable[float],
    limits: Sequence[Limit],
) -> pl.DataFrame:
    """Expected value as one amount of the table varies, and what was really made where the truth is known:
    a row per amount."""
    chance = answers_for(fitted, rows.conformed)
    target = _classes_target(fitted)
    truth = target.encode(rows.conformed) if target.column in rows.conformed.columns else None
    found = []
    for amount in amounts:
        worth = _worths(fitted, rows.raw, costs.replaced(*entry, amount), limits, chance)
        chosen = decided(worth, limits, _groups(rows.raw, limits))
        row = np.arange(len(chosen))
        told = {"amount": float(amount), "expected_value": float(worth.expected[row, chosen].sum())}
        if truth is not None and (truth >= 0).all():
            told["made"] = float(worth.each[row, chosen, truth].sum())
        counts = np.bincount(chosen, minlength=len(worth.actions))
        told |= {f"rows_{name}": int(n) for name, n in zip(worth.actions, counts, strict=True)}
        found.append(told)
    return pl.DataFrame(found)


def order(
    fitted: Fitted,
    rows: Rows,
    *,
    too_much: str | float,
    too_little: str | float,
    stock: str | float,
    pack: float,
    minimum: float,
    service: float | None,
) -> pl.DataFrame:
    """How much to order for every row: ``order``, its ``expected_cost``, and the ``service`` level
    reached."""
    target = fitted.target
    if not isinstance(target, QuantilesTarget):
        raise UsageError(
            f"Quantities are decided from quantiles, and this model predicts {target.describe()}.",
            f'Fit it with lamina.Predict("{target.column}", quantiles=(0.05, 0.25, 0.5, 0.75, 0.95)).',
        )
    formulas = [Formula.of(each) for each in (too_much, too_little, stock)]
    check_columns(formulas, rows.raw.columns)
    values = _numbers(fitted, rows.raw, {name for each in formulas for name in each.columns})
    over, under, have = (each(values, rows.raw.height) for each in formulas)
    demand = Demand.of(target.levels, target.values(answers_for(fitted, rows.conformed)))
    best = best_orders(demand, over, under, stock=have, pack=pack, minimum=minimum, service=service)
    return pl.DataFrame(
        {"order": best.quantity, "expected_cost": best.expected_cost, "service": best.service}
    )


def judged_worths(
    fitted: Fitted, rows: Rows, costs: Costs, limits: Sequence[Limit]
) -> tuple[Worths, np.ndarray, dict[str, np.ndarray]]:
    """What every action is worth in rows with known answers, their true classes, and the groups that limits
    count by. Raises TargetError for an answer that the model does not know."""
    truth = _classes_target(fitted).encode(rows.conformed)
    strange = int((truth < 0).sum())
    if strange:
        raise TargetError(
            f"{strange:,} rows have an answer that the model does not know, so what they cost is not told.",
            "Leave those rows out.",
            column=fitted.target.column,
        )
    worth = _worths(fitted, rows.raw, costs, limits, answers_for(fitted, rows.conformed))
    return worth, truth, _groups(rows.raw, limits)


def check_asked(fitted: Fitted, columns: Sequence[str], costs: Costs, limits: Sequence[Limit]) -> None:
    """Raises UsageError for a model that decides nothing, and for costs and limits that do not fit it or the
    columns of the rows."""
    costs.check(_classes(fitted), columns)
    for limit in limits:
        limit.check(costs.actions, columns)


def _worths(
    fitted: Fitted, raw: pl.DataFrame, costs: Costs, limits: Sequence[Limit], chance: np.ndarray
) -> Worths:
    check_asked(fitted, raw.columns, costs, limits)
    classes = _classes(fitted)
    values = _numbers(fitted, raw, set(costs.columns()))
    return worths(costs, chance.astype(np.float64), classes, values)


def _classes_target(fitted: Fitted) -> ClassTarget:
    target = fitted.target
    if not isinstance(target, ClassTarget):
        raise UsageError(
            f"Actions are chosen by the probabilities of classes; this model predicts {target.describe()}.",
            "Fit it on a target with classes; for quantities to order see model.order.",
        )
    return target


def _classes(fitted: Fitted) -> tuple[str, ...]:
    return _classes_target(fitted).labels


def _numbers(fitted: Fitted, raw: pl.DataFrame, names: set[str]) -> dict[str, np.ndarray]:
    """The columns that amounts depend on as numbers, read as the model reads them."""
    found = {}
    for name in sorted(names):
        column = raw[name]
        if not column.dtype.is_numeric():
            form = _form(fitted, name) or detect_number(column.cast(pl.String).drop_nulls().head(SEEN))
            if form is None:
                raise UsageError(
                    f"An amount depends on {name!r}, which holds no numbers (first: {column.first()!r}).",
                    "Name a column of numbers.",
                    column=name,
                )
            column = parse_number(column, form)
        found[name] = column.cast(pl.Float64).to_numpy()
    return found


def _form(fitted: Fitted, name: str) -> NumberForm | None:
    """How the model reads this column's numbers, where it does."""
    if name not in fitted.schema or fitted.schema[name].kind != "number":
        return None
    known = {
        key: value for key, value in fitted.schema[name].form.items() if key in NumberForm.__struct_fields__
    }
    return NumberForm(**known)


def _groups(raw: pl.DataFrame, limits: Sequence[Limit]) -> dict[str, np.ndarray]:
    """Codes of the groups that limits count by; cells that are missing are a group of their own."""
    names = {limit.per for limit in limits if limit.per is not None}
    return {name: raw[name].rank("dense").fill_null(0).cast(pl.Int64).to_numpy() for name in names}
