"""Actions by what mistakes cost: against brute force, by hand, and as a user decides."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import lamina
from lamina.cli.main import app
from lamina.decisions.costs import ASK, Costs
from lamina.decisions.decide import decided, worths
from lamina.decisions.formula import DEEPEST, LONGEST, Formula
from lamina.decisions.limits import Limit, best_actions
from lamina.decisions.quantities import Demand, best_orders
from lamina.decisions.worth import best_threshold, money
from lamina.errors import UsageError
from small_data import churn_table

# ---------------------------------------------------------------------------------- formulas


def test_formulas_by_hand():
    rows = {"amount": np.array([100.0, 10.0]), "Order total": np.array([1.0, 2.0])}
    wanted = {
        "0.02 * amount + 5": [7.0, 5.2],
        "-amount / 2": [-50.0, -5.0],
        "min(amount, 50) - (`Order total` + 1)": [48.0, 7.0],
        "max(1, 2, amount)": [100.0, 10.0],
        "7": [7.0, 7.0],
    }
    for text, values in wanted.items():
        assert Formula.of(text)(rows, 2).tolist() == values
    assert Formula.of(3.5)(rows, 2).tolist() == [3.5, 3.5]
    assert Formula.of("`Order total` * amount").columns == ("Order total", "amount")


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "amount.__class__",
        "amount ** 9",
        "[1, 2]",
        "lambda: 1",
        "'text'",
        "True",
        "print(1)",
        "min(amount)",
        "min(*amount)",
        "a if b else c",
        "1 +",
        "",
        "x" * (LONGEST + 1),
        "(" * 90 + "1" + ")" * 90 + "+" + "-" * (DEEPEST + 5) + "1",
    ],
)
def test_what_is_no_formula_is_refused(text: str):
    with pytest.raises(UsageError, match="Write a number, or a formula"):
        Formula.of(text)


# ------------------------------------------------------------------------------------- costs


def fraud_costs(**further: object) -> Costs:
    return Costs({"let pass": {"no": 0, "yes": "amount"}, "review": {"no": 4, "yes": 4}}, **further)  # type: ignore[arg-type]


def test_expected_values_by_hand():
    chance = np.array([[0.9, 0.1], [0.99, 0.01]])
    found = worths(fraud_costs(), chance, ("no", "yes"), {"amount": np.array([100.0, 100.0])})
    np.testing.assert_allclose(found.expected, [[-10, -4], [-1, -4]])
    assert decided(found, (), {}).tolist() == [1, 0]


def test_asking_a_person_is_worth_the_truth():
    costs = Costs({"let pass": {"no": 0, "yes": 100}, "block": {"no": 20, "yes": 0}}, ask=3, ask_right=1.0)
    chance = np.array([[0.5, 0.5], [0.999, 0.001], [0.02, 0.98]])
    found = worths(costs, chance, ("no", "yes"), {})
    assert found.actions[-1] == ASK
    np.testing.assert_allclose(found.expected[:, -1], -3)
    assert decided(found, (), {}).tolist() == [2, 0, 1]
    erring = worths(Costs(costs.table, ask=3, ask_right=0.5), chance, ("no", "yes"), {})
    np.testing.assert_allclose(erring.expected[0, -1], -3 - 0.5 * 0.5 * 20)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({}, "0 actions"),
        ({"a": {"no": 1}, "b": {"yes": 1}}, "different classes"),
        ({ASK: {"no": 1}}, "by `ask`"),
    ],
)
def test_tables_that_cannot_be(table: dict[str, dict[str, float]], words: str):
    with pytest.raises(UsageError, match=words):
        Costs(table)


def test_costs_from_a_file(tmp_path: Path):
    path = tmp_path / "costs.csv"
    path.write_text("action,no,yes\nlet pass,0,amount\nreview,4,4\n")
    assert Costs.from_csv(path).classes == ("no", "yes")
    path.write_text("action,no,yes\nlet pass,0,\n")
    with pytest.raises(UsageError, match="no amount for 'yes'"):
        Costs.from_csv(path)
    path.write_text("action,no\na,0\na,1\n")
    with pytest.raises(UsageError, match="names 'a' again"):
        Costs.from_csv(path)
    with pytest.raises(UsageError, match="does not know"):
        fraud_costs().check(["no", "maybe"], ["amount"])
    with pytest.raises(UsageError, match="no amounts for the class 'perhaps'"):
        fraud_costs().check(["no", "yes", "perhaps"], ["amount"])
    with pytest.raises(UsageError, match=r"no column of the data.\n.*Did you mean 'amounts'"):
        fraud_costs().check(["no", "yes"], ["amounts"])
    with pytest.raises(UsageError, match=r"no number in 1 rows, first 1"):
        fraud_costs().amounts({"amount": np.array([1.0, np.nan])}, ("no", "yes"), 2)


# ------------------------------------------------------------------------------------ limits


def best_by_trying(
    values: np.ndarray, actions: list[str], limits: list[Limit], groups: dict[str, np.ndarray]
) -> float | None:
    """The largest sum of all choices that obey the limits."""
    best = None
    for choice in itertools.product(range(len(actions)), repeat=len(values)):
        if all(obeyed(choice, actions, limit, groups) for limit in limits):
            total = sum(values[row, a] for row, a in enumerate(choice))
            best = total if best is None else max(best, total)
    return best


def obeyed(choice: tuple[int, ...], actions: list[str], limit: Limit, groups: dict[str, np.ndarray]) -> bool:
    weigh = [limit.spend.get(a, 0.0) if limit.spend else float(a == limit.action) for a in actions]
    codes = np.zeros(len(choice)) if limit.per is None else groups[limit.per]
    for group in np.unique(codes):
        used = sum(weigh[a] for row, a in enumerate(choice) if codes[row] == group)
        if (limit.most is not None and used > limit.most + 1e-9) or (
            limit.least is not None and used < limit.least - 1e-9
        ):
            return False
    return True


def drawn_limit(rng: np.random.Generator, actions: list[str]) -> Limit:
    per = "day" if rng.random() < 0.5 else None
    if rng.random() < 0.3:
        return Limit(
            spend={a: float(rng.integers(1, 5)) for a in actions[1:]}, most=float(rng.integers(1, 8)), per=per
        )
    least = float(rng.integers(0, 2)) if rng.random() < 0.4 else None
    most = float(rng.integers(0, 4)) if least is None or rng.random() < 0.5 else None
    return Limit(action=str(rng.choice(actions)), most=most, least=least, per=per)


@pytest.mark.parametrize("classes", [("0", "1"), ("<=50K", ">50K"), ("2019", "2020")])
def test_classes_that_look_like_numbers_still_name_the_columns(
    tmp_path: Path, classes: tuple[str, str]
) -> None:
    (tmp_path / "costs.csv").write_text(f"action,{','.join(classes)}\nnothing,0,0\nvisit,20,-35\n")
    costs = Costs.from_csv(tmp_path / "costs.csv")
    assert costs.actions == ("nothing", "visit")
    assert costs.classes == classes


def test_limits_are_obeyed_as_well_as_can_be():
    """A thousand small cases against trying everything."""
    rng, impossible = np.random.default_rng(0), 0
    for _ in range(1000):
        rows, actions = int(rng.integers(1, 6)), ["none", "a", "b"][: int(rng.integers(2, 4))]
        values = rng.normal(size=(rows, len(actions))).round(2)
        groups = {"day": rng.integers(0, 2, rows)}
        limits = [drawn_limit(rng, actions) for _ in range(int(rng.integers(1, 4)))]
        wanted = best_by_trying(values, actions, limits, groups)
        if wanted is None:
            impossible += 1
            with pytest.raises(UsageError, match="No choice of actions"):
                best_actions(values, actions, limits, groups)
            continue
        chosen = best_actions(values, actions, limits, groups)
        assert all(obeyed(tuple(chosen), actions, limit, groups) for limit in limits)
        assert values[np.arange(rows), chosen].sum() == pytest.approx(wanted)
    assert 0 < impossible < 600


def test_limits_that_cannot_be_are_named():
    actions, columns = ["none", "review"], ["day"]
    for limit, words in (
        (Limit(action="reviw", most=1), "Did you mean 'review'"),
        (Limit(action="review", most=1, per="dya"), "Did you mean 'day'"),
        (Limit(action="review"), "needs an action"),
        (Limit(most=3), "needs an action"),
        (Limit(action="review", most=-1), "zero or more"),
    ):
        with pytest.raises(UsageError, match=words):
            limit.check(actions, columns)
    with pytest.raises(UsageError, match="too many to be sure"):
        best_actions(
            np.zeros((300_000, 2)),
            actions,
            [Limit(action="review", most=1), Limit(spend={"review": 1}, most=2)],
            {},
        )


# -------------------------------------------------------------------------------- quantities


def test_orders_against_trying_everything():
    rng = np.random.default_rng(0)
    levels = (0.1, 0.3, 0.5, 0.9)
    quantiles = np.sort(rng.gamma(3, 5, (40, 4)), axis=1)
    demand = Demand.of(levels, quantiles)
    over, under = rng.uniform(0.5, 2, 40), rng.uniform(0.5, 9, 40)
    stock = rng.integers(0, 9, 40).astype(float)
    for pack, minimum, service in ((1.0, 0.0, None), (6.0, 0.0, None), (4.0, 10.0, None), (5.0, 0.0, 0.9)):
        found = best_orders(demand, over, under, stock=stock, pack=pack, minimum=minimum, service=service)
        offers = np.arange(0, 200) * pack
        offers = offers[(offers == 0) | (offers >= minimum)]
        costs = np.stack([demand.cost(stock + q, over, under) for q in offers])
        if service is not None:
            floor = demand.at(np.full(40, service))
            costs = np.where(stock[None] + offers[:, None] < floor[None] - 1e-9, np.inf, costs)
            assert (found.service > service - 1e-9).all()
        np.testing.assert_allclose(found.expected_cost, costs.min(0), rtol=1e-9)


def test_expected_costs_against_simulation():
    levels, q = (0.25, 0.5, 0.75), np.array([[10.0, 20.0, 40.0]])
    demand = Demand.of(levels, q)
    rng = np.random.default_rng(0)
    drawn = np.array([demand.at(np.array([u]))[0] for u in rng.random(40_000)])
    for quantity in (5.0, 18.0, 33.0, 70.0):
        simulated = (2 * np.maximum(quantity - drawn, 0) + 7 * np.maximum(drawn - quantity, 0)).mean()
        told = demand.cost(np.array([quantity]), np.array([2.0]), np.array([7.0]))[0]
        assert told == pytest.approx(simulated, rel=0.02)
    assert demand.mean()[0] == pytest.approx(drawn.mean(), rel=0.01)


def test_quantities_that_cannot_be():
    one = np.ones(1)
    demand = Demand.of((0.1, 0.9), np.array([[1.0, 2.0]]))
    with pytest.raises(UsageError, match="above zero"):
        best_orders(demand, 0 * one, one)
    with pytest.raises(UsageError, match="service level"):
        best_orders(demand, one, one, service=1.5)
    with pytest.raises(UsageError, match="at least two quantiles"):
        Demand.of((0.5,), np.array([[1.0]]))


# --------------------------------------------------------------------------- money on past rows


def test_money_by_hand():
    chance = np.array([[0.2, 0.8], [0.7, 0.3], [0.9, 0.1], [0.4, 0.6]])
    costs = Costs({"nothing": {"no": 0, "yes": 10}, "act": {"no": 4, "yes": 1}})
    worth = worths(costs, chance, ("no", "yes"), {})
    truth = np.array([1, 1, 0, 0])
    found = money(worth, truth, (), {}, threshold=0.7)
    made = {each.name: each.made for each in found.policies}
    assert made == {
        "nothing": -20.0,
        "always act": -10.0,
        "threshold 0.5": -1.0 - 10.0 - 4.0,
        "threshold 0.7, the best elsewhere": -1.0 - 10.0,
    }
    assert found.actions == {"nothing": 2, "act": 2} or found.actions == {"nothing": 1, "act": 3}
    assert best_threshold(worth, truth, (), {}) in np.unique(
        np.quantile(chance[:, 1], np.linspace(0, 1, 201))
    )
    limited = money(worth, truth, [Limit(action="act", most=1)], {})
    assert {each.name for each in limited.policies} == {"nothing", "threshold 0.5"}
    assert limited.actions["act"] == 1


# ------------------------------------------------------------------------------- whole models


@pytest.fixture(scope="module")
def churn() -> lamina.Model:
    return lamina.fit(churn_table(1000, seed=0), "churned", quality="fast", epochs=3)


OFFER = Costs({"nothing": {"no": 0, "yes": "6 * charge"}, "offer": {"no": 40, "yes": "2 * charge"}})


def test_decisions_of_a_model(churn: lamina.Model):
    new = churn_table(300, seed=1)
    told = churn.decide(new.drop("churned"), OFFER)
    assert told.columns == ["action", "expected_value", "runner_up", "runner_up_value", "reason"]
    assert (told["expected_value"] >= told["runner_up_value"]).all()
    p = churn.predict(new)["probability_yes"].cast(pl.Float64)
    by_hand = (-(1 - p) * 40 - p * 2 * new["charge"]) > (-p * 6 * new["charge"])
    assert (told["action"] == "offer").to_list() == by_hand.to_list()
    limited = churn.decide(new.to_pandas(), OFFER, limits=[lamina.Limit(action="offer", most=3, per="city")])
    counts = limited[limited["action"] == "offer"].groupby(new["city"].to_pandas()).size()
    assert counts.max() <= 3
    assert limited["reason"].str.contains("a limit left no room").any()
    strange = churn.decide(new.with_columns(months=pl.lit(9000), charge=pl.lit(1e5)), OFFER)["reason"]
    assert strange.str.contains("unlike the training rows").mean() > 0.9
    assert told["reason"].str.contains("unlike the training rows").mean() < 0.05


def test_the_worth_of_decisions(churn: lamina.Model):
    found = churn.worth(churn_table(500, seed=2), OFFER, trained=churn_table(1000, seed=0))
    made = {each.name: each for each in found.policies}
    assert found.made > made["nothing"].made
    assert made["nothing"].low < made["nothing"].ahead < made["nothing"].high
    assert any("the best elsewhere" in name for name in made)
    curve = churn.what_if(churn_table(500, seed=2), OFFER, ("offer", "no"), [0, 20, 40, 1000])
    assert curve["expected_value"].is_sorted(descending=True)
    assert curve["rows_offer"].is_sorted(descending=True)
    assert curve["made"][2] == pytest.approx(found.made)
    with pytest.raises(lamina.LaminaError, match="has no column 'churned'"):
        churn.worth(churn_table(50).drop("churned"), OFFER)


def test_orders_of_a_model():
    rng = np.random.default_rng(0)
    day = rng.integers(0, 7, 600)
    table = pl.DataFrame(
        {"day": day.astype(str), "price": rng.uniform(1, 3, 600), "units": rng.poisson(10 + 5 * day)}
    )
    task = lamina.Predict("units", quantiles=(0.1, 0.5, 0.9))
    model = lamina.fit(table, task, quality="fast", epochs=5)
    told = model.order(table.head(20), too_much=1, too_little="price", pack=6)
    assert (told["order"] % 6 == 0).all()
    assert told["order"].mean() > 5
    with pytest.raises(UsageError, match="by the probabilities of classes"):
        model.decide(table, OFFER)


def test_numbers_are_needed_where_models_answer_classes(churn: lamina.Model):
    with pytest.raises(UsageError, match="Quantities are decided from quantiles"):
        churn.order(churn_table(5), too_much=1, too_little=2)


def test_decide_from_the_terminal(churn: lamina.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    churn.save("churn.lamina")
    churn_table(60, seed=3).write_csv("new.csv")
    Path("costs.csv").write_text("action,no,yes\nnothing,0,6 * charge\noffer,40,2 * charge\n")
    run = CliRunner().invoke
    base = ["decide", "churn.lamina", "new.csv", "--costs", "costs.csv"]
    done = run(app, [*base, "--limit", "offer=2/city", "--ask", "500", "-o", "out.csv"])
    assert done.exit_code == 0, done.output
    told = pl.read_csv("out.csv")
    assert told.filter(pl.col("action") == "offer").group_by("city").len()["len"].max() <= 2
    judged = run(app, [*base, "--evaluate", "--json"])
    assert json.loads(judged.output)["rows"] == 60
    assert "Deciding by expected value made" in run(app, [*base, "--evaluate"]).output
    wrong = run(app, [*base, "--limit", "offer"])
    assert isinstance(wrong.exception, UsageError)
