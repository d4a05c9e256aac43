"""A server under load, promotions, bad bodies, slow clients and overload, and how it ends; shorter than in
``benchmarks.safety``."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from benchmarks.bad_bodies import bad_pictures, bad_tables
from benchmarks.safety import Siege, store_at

import lamina
from small_data import churn_table


def customers(count: int) -> pl.DataFrame:
    return churn_table(count, seed=9).drop("churned").with_columns(pl.col("joined").cast(pl.String))


def test_there_are_enough_bad_bodies(digits_folder: Path):
    picture = next((digits_folder / "7").glob("*.png")).read_bytes()
    row = customers(1).to_dicts()[0]
    tables, pictures = list(bad_tables(row)), list(bad_pictures(picture))
    assert len(tables) + len(pictures) >= 500
    assert tables[:50] == list(bad_tables(row))[:50]  # the same every time


@pytest.mark.slow
def test_nothing_breaks_and_nothing_is_lost(
    tmp_path: Path, churn_folder: Path, digits_folder: Path, model_files: Path, churn_model: lamina.Model
):
    other = lamina.fit(churn_folder / "churn.csv", "churned", quality="fast", epochs=2, seed=7)
    store = store_at(tmp_path / "churn", [churn_model, other], "customer")
    rows = customers(300)
    picture = next((digits_folder / "7").glob("*.png")).read_bytes()
    bodies = [("churn", each) for each in bad_tables(rows.to_dicts()[0])]
    bodies += [("digits", each) for each in bad_pictures(picture)]
    found = Siege(store, rows, "customer", model_files / "digits.lamina").run(45.0, bodies, every=3.0)
    told = "\n".join(found.lines())
    assert len(found.ids) > 1000, told
    assert not found.failed, told
    assert not found.wrong, told
    assert not found.broken, told
    assert found.promotions > 5, told
    assert {*found.versions} == {"1", "2"}, told
    assert not found.lost, told
    assert found.code in (0, -15), told
    assert max(found.memory) < 1500, told
