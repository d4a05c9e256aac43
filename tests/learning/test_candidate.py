"""How a candidate learns: what it sees how often, and that what the champion said is held."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from lamina.features.targets.several import fit_target
from lamina.learning.candidate import Lesson, learn, lesson, order, shares
from lamina.learning.distil import distance
from lamina.learning.memory import WEIGHT
from lamina.learning.plan import Pace, Plan, plan_for
from lamina.learning.records import Drift, Grown, LearnSettings
from lamina.network.outputs.base import QUIET
from lamina.network.outputs.classes import Classes
from lamina.network.outputs.labels import Labels
from lamina.network.outputs.number import Number
from lamina.network.outputs.several import Several
from lamina.predictions.answers import answers_for
from lamina.training.precision import Machine
from small_fitted import fitted_on

NEW_CLASS = (Grown(what="class", column="y", values=("d",), count=1),)


def a_lesson(new: int, old: int, stands: float = 1.0) -> Lesson:
    return Lesson({}, np.zeros(new + old), None, new, np.full(old, stands))


def test_two_classes_are_learnt_in_fewer_steps_and_numbers_in_more() -> None:
    def plan(name: str) -> Plan:
        fitted, *_ = fitted_on("number", answer=name)
        return plan_for(
            (moved("relation"),), (), LearnSettings(), share=0.1, pace=Pace.of(fitted, 5000, 1000)
        )

    several, number = plan("classes"), plan("number")
    assert number.steps == 2 * several.steps
    assert number.old_per_new > several.old_per_new
    held = [plan_for((), (), LearnSettings(), share=0.5, pace=Pace(hold=hold)) for hold in (0.0, 1.0)]
    assert held[0].hold == 0 < held[1].hold
    assert "held" not in held[0].why
    assert "held" in held[1].why
    two = plan_for((), (), LearnSettings(), share=0.1, pace=Pace(length=0.3))
    assert 1 <= two.passes <= several.passes


def test_a_new_value_takes_its_steps_in_a_few_rows() -> None:
    fitted, frame, _ = fitted_on("number")
    answers = pl.Series(["yes", "no"] * frame.height).head(frame.height).alias(fitted.target.targets[0])
    fitted = replace(fitted, target=fit_target(frame.with_columns(answers), fitted.schema))
    value = (Grown(what="category", column="x", values=("new",), count=1),)
    many, few = (
        plan_for((), value, LearnSettings(), share=0.1, pace=Pace.of(fitted, 10_000, today))
        for today in (2_000, 500)
    )
    assert few.steps == 5 * many.steps
    assert plan_for((), (), LearnSettings(), share=0.1, pace=Pace.of(fitted, 10_000, 500)).steps < many.steps


def moved(what: str) -> Drift:
    return Drift(what=what, measure="", distance=1.0, p=0.0, moved=True, message="")  # type: ignore[arg-type]


def test_every_new_row_is_seen_in_every_pass() -> None:
    plan = plan_for((), (), LearnSettings(), share=0.1)
    rows = order(a_lesson(100, 1000), plan)
    assert (np.bincount(rows, minlength=1100)[:100] == plan.passes).all()
    assert (rows >= 100).sum() == plan.passes * plan.old_per_new * 100
    assert np.array_equal(rows, order(a_lesson(100, 1000), plan))


def test_new_classes_come_as_often_as_they_do_in_the_world() -> None:
    plan = plan_for((moved("relation"),), NEW_CLASS, LearnSettings(), share=0.1)
    lesson = a_lesson(4000, 2000, stands=10.0)  # 20,000 old rows and 4,000 new ones
    assert shares(lesson, plan) == (400, 2000)
    rows = order(lesson, plan)
    seen = np.bincount(rows, minlength=6000)
    assert (seen[:4000] >= 1).all()
    assert seen[2000 + 2000 :].sum() / seen[:4000].sum() == pytest.approx(5, rel=0.01)


def test_a_lesson_is_as_long_as_it_may_be_and_must_be() -> None:
    plan = plan_for((), (), LearnSettings(), share=0.1)
    assert len(order(a_lesson(100, 1000), plan, most=500)) == 300
    assert len(order(a_lesson(10, 10), plan, least=1000)) >= 1000
    assert len(order(a_lesson(50, 0), plan)) == 100


def test_what_moved_says_how_much_of_the_old_is_held() -> None:
    def held(*what: str, grown: tuple[Grown, ...] = ()) -> float:
        return plan_for([moved(each) for each in what], grown, LearnSettings(), share=0.1).hold

    assert held() > held("column") > held("relation") == 0
    assert held("relation", grown=NEW_CLASS) > 0
    assert (
        plan_for((), (), LearnSettings(), share=0.9).rate > plan_for((), (), LearnSettings(), share=0.1).rate
    )


@pytest.mark.parametrize("answer", ["classes", "number"])
def test_what_is_held_moves_less_while_others_are_learnt(answer: str) -> None:
    fitted, frame, _ = fitted_on("number", answer=answer)
    old = frame.with_columns(pl.lit(1.0).alias(WEIGHT))
    on = Machine(threads=1, device="cpu", progress=False)
    what = lesson(fitted, frame.reverse(), old, on)  # rows like these
    before = answers_for(fitted, frame)
    moves = []
    for hold in (0.0, 3.0):
        plan = Plan(rate=1.0, passes=20, old_per_new=1.0, hold=hold, why="")
        moves.append(np.abs(answers_for(learn(fitted, what, plan, on), frame) - before).mean())
    assert moves[1] < 0.7 * moves[0]


@pytest.mark.parametrize("kind", [Classes, Labels, Number])
def test_the_champion_s_own_scores_are_the_nearest(kind: type) -> None:
    torch.manual_seed(0)
    scores = 1 if kind is Number else 3
    output, said = kind(4, scores, 2), torch.randn(2, 5, scores)
    now = said.clone().requires_grad_()
    distance(output, now, said).backward()
    assert now.grad is not None
    assert now.grad.abs().max() < 1e-6
    for seed in range(5):
        torch.manual_seed(seed)
        assert distance(output, said + 0.1 * torch.randn_like(said), said) > distance(output, said, said)


def test_classes_that_the_champion_did_not_know_are_not_held() -> None:
    output, said = Classes(4, 3, 1), torch.tensor([[[1.0, -1.0, QUIET]]])
    for value in (-5.0, 5.0):
        now = torch.tensor([[[1.0, -1.0, value]]])
        torch.testing.assert_close(distance(output, now, said), distance(output, said, said))


def test_several_targets_are_held_each_in_its_own_way() -> None:
    heads = [
        {"name": "a", "output": "classes", "scores": 2, "answers": 0, "flat": False, "spec": {},
         "constant": [0.5, 0.5], "weight": 1.0},
        {"name": "b", "output": "number", "scores": 1, "answers": 0, "flat": True, "spec": {},
         "constant": [0.0], "weight": 3.0},
    ]  # fmt: skip
    output, said = Several(4, 3, 1, spec={"heads": heads}), torch.randn(1, 6, 3)
    now = said + torch.tensor([0.0, 0.0, 2.0])
    gap = distance(output, now, said) - distance(output, said, said)
    assert float(gap) == pytest.approx(3.0 * 4.0 / 2)
