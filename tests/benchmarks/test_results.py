"""The file of results, the comparisons made from it, and the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from benchmarks.measure import score
from benchmarks.results import Results
from benchmarks.summary import Spread, against, beside_linear, mean_ranks, measured
from benchmarks.table import markdown, render, write

from benchmarks import figures


def row(peer: str, value: float, name: str = "one", seed: int = 0, **more: Any) -> dict[str, Any]:
    score = more.get("score", "auroc")
    return {
        "suite": "tables", "set": name, "peer": peer, "seed": seed, "threads": 2, "machine": "this",
        "score": score, "scores": {score: value}, "fit_s": 10.0, "fit_cpu_s": 12.0, "others": 0.0,
        "rows_per_s": 1e5, "one_row_ms": 1.5, "peak_mb": 200.0, "model_mb": 1.0, "version": "1.0", **more,
    }  # fmt: skip


def small(peer: str, values: dict[str, list[float | None]], **more: Any) -> dict[str, Any]:
    return {"suite": "small", "set": "one", "peer": peer, "seed": 0, "score": "auroc", "values": values,
            "cpu_s": {}, "reasons": [], "version": "1", "threads": 1, "machine": "this", **more}  # fmt: skip


FACTS = {"memory_gb": 8, "system": "Linux", "python": "3.11", "torch": "2.13"}
MACHINE = {"this": {**FACTS, "fp32_gflops": 300, "bf16_gflops": 2000}}


def held(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"format": 1, "machines": MACHINE, "rows": list(rows)}


def test_rows_replace_those_with_the_same_key(tmp_path: Path):
    one, two = Results(tmp_path / "r.json"), Results(tmp_path / "r.json")
    one.add(row("a", 0.8))
    two.add(row("b", 0.7))
    one.add(row("a", 0.9123456789))
    assert {each["peer"]: each["scores"]["auroc"] for each in two.rows()} == {"a": 0.912346, "b": 0.7}
    assert two.done(("tables", "one", "a", 0))
    assert not two.done(("tables", "one", "a", 1))


def test_the_absent_are_tried_again(tmp_path: Path):
    results = Results(tmp_path / "r.json")
    results.add({"suite": "tables", "set": "one", "peer": "a", "seed": 0, "absent": "not installed"})
    assert not results.done(("tables", "one", "a", 0))
    results.add({"suite": "tables", "set": "one", "peer": "a", "seed": 0, "failed": "no"})
    assert results.done(("tables", "one", "a", 0))


def test_the_best_rate_of_a_machine_stays(tmp_path: Path):
    results = Results(tmp_path / "r.json")
    for rate in (100, 300, 200):
        results.add_machine("this", {"bf16_gflops": rate})
    assert results.read()["machines"]["this"]["bf16_gflops"] == 300


def test_beside_the_best_single_peer():
    rows = [row("lamina-good", each, seed=seed) for seed, each in enumerate((0.90, 0.92, 0.91))]
    rows += [row("linear", 0.85), row("catboost", 0.915), row("tabm", 0.99)]
    (told,) = against(measured(rows, "tables"), "lamina-good", ("linear", "catboost"))
    assert (told.mine, told.other, told.who) == (0.91, 0.915, "catboost")
    assert told.gain == pytest.approx(-0.005)
    assert not told.level


def test_for_errors_less_is_better():
    rows = [row("lamina-good", 99.0, score="rmse"), row("linear", 100.0, score="rmse")]
    (told,) = against(measured(rows, "tables"), "lamina-good", ("linear",))
    assert told.gain == pytest.approx(0.01)


def test_mean_ranks_share_and_skip_who_failed():
    rows = [
        small("a", {"200": [0.9, 0.7]}), small("b", {"200": [0.8, 0.7]}), small("c", {"200": [None, 0.99]}),
    ]  # fmt: skip
    assert mean_ranks(rows) == {"200": {"a": 1.25, "b": 1.75}}


def test_beside_the_linear_model_with_noise():
    rows = [small("a", {"200": [0.7, 0.9]}), small("linear", {"200": [0.6, 0.6]})]
    ((name, size, mean, error, count),) = beside_linear(rows, "a")
    assert (name, size, count) == ("one", "200", 2)
    assert (mean, error) == (pytest.approx(0.2), pytest.approx(0.1))


def test_spread_is_median_and_extremes():
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0, 3)


def test_scores_are_those_of_scikit_learn():
    import numpy as np

    told = score(
        np.array([[0.9, 0.1], [0.4, 0.6], [0.6, 0.4]]), np.array([0, 1, 1]), classes=2, probabilities=True
    )
    assert told["accuracy"] == pytest.approx(2 / 3)
    assert told["auroc"] == 1.0
    assert told["log_loss"] == pytest.approx(-(np.log(0.9) + np.log(0.6) + np.log(0.4)) / 3)
    assert score(np.array([1.0, 3.0]), np.array([1.0, 1.0]), classes=0, probabilities=True)["rmse"] == 2**0.5


def test_the_page_tells_all():
    page = render(
        held(
            *(row("lamina-good", each, seed=seed) for seed, each in enumerate((0.90, 0.92, 0.91))),
            row("catboost", 0.915, others=0.5, fit_s=3.0), row("linear", 0.85),
            row("autogluon-medium", 0.9105, fit_cpu_s=120.0, model_mb=100.0),
            {"suite": "tables", "set": "one", "peer": "xgboost", "seed": 0, "failed": "too | bad"},
            small("linear", {"200": [0.6, 0.7]}), small("lamina-good", {"200": [0.5, 0.61]}),
        ),
        {"tables": "figures/tables.svg"},
    )  # fmt: skip
    assert "| lamina-good | 0.9100 (0.9000–0.9200) |" in page
    assert "**0.9150**" in page
    assert "best on 0 of 1; ahead of histgb on 0 of 0." in page
    assert "| one | catboost | 0.9150 | 0.9100 | -0.0050 |" in page
    assert "level (within 0.002, or 0.5 % of an error) or ahead on 1 of 1" in page
    assert "| one | 0.9105 | 0.9100 | -0.0005 | 10.0 | 100 |" in page
    assert "~3" in page
    assert "| tables | one | xgboost | failed | too \\| bad |" in page
    assert "| one | 200 | -0.0950 | 0.0050 | 2 | **behind** |" in page
    assert "measured 300 GFLOP/s in fp32, 2,000 in bf16" in page
    assert "![Tables](figures/tables.svg)" in page


def test_an_empty_page():
    assert render(held(), {}).startswith("# Lamina beside its peers")


def test_tables_of_markdown():
    assert markdown(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


@pytest.mark.filterwarnings("ignore")
def test_the_same_figures_every_time(tmp_path: Path):
    pytest.importorskip("matplotlib")
    points = [{"accuracy": 0.9, "seconds": 1.0, "processor_seconds": 1.0}]
    told = held(
        row("lamina-good", 0.9), row("linear", 0.8),
        small("linear", {"200": [0.6, 0.7]}), small("lamina-good", {"200": [0.5, 0.61]}),
        {"suite": "script", "set": "mnist", "peer": "torch-script", "seed": 0, "threads": 1, "others": 0.0,
         "points": points},
    )  # fmt: skip
    first = figures.draw(told, tmp_path / "figures")
    assert set(first) == {"tables", "small", "script"}
    bytes_before = {path: (tmp_path / path).read_bytes() for path in first.values()}
    page = write(told, tmp_path).read_text(encoding="utf-8")
    assert all(f"({path})" in page for path in first.values())
    assert bytes_before == {path: (tmp_path / path).read_bytes() for path in first.values()}
