"""The rows most like a row, by what the network sees in them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.neighbors import NearestNeighbors

import lamina
from lamina.errors import SourceError, UsageError
from lamina.network.answered import seen_by
from lamina.predictions import similar as module
from lamina.predictions.similar import most_similar
from small_data import churn_table


@pytest.fixture(scope="module")
def churn() -> lamina.Model:
    return lamina.fit(churn_table(800, seed=0), "churned", quality="fast", epochs=4)


def test_a_row_is_most_like_itself(churn: lamina.Model):
    table = churn_table(300, seed=1)
    found = churn.similar(table, among=table, count=2)
    first = found.filter(pl.int_range(pl.len()) % 2 == 0)
    assert first["row"].to_list() == list(range(300))
    assert (first["similarity"] > 0.9999).all()
    assert (first["similar_row"] == first["row"]).mean() > 0.95
    assert found.columns == ["row", "similar_row", "similarity", *table.columns]


def test_the_neighbours_are_those_of_scikit_learn(churn: lamina.Model, monkeypatch: pytest.MonkeyPatch):
    fitted = churn.fitted
    rows, others = (churn._inputs(churn_table(n, seed=n)) for n in (40, 500))
    seen = [seen_by(fitted.network, fitted.features.transform(each))[1][-1] for each in (rows, others)]
    centre = seen[1].mean(0)
    search = NearestNeighbors(n_neighbors=7, metric="cosine").fit(seen[1] - centre)
    distances, numbers = search.kneighbors(seen[0] - centre)
    monkeypatch.setattr("lamina.predictions.answers.CHUNK", 64)  # the rows searched pass by in chunks
    monkeypatch.setattr(module, "ASKED_AT_ONCE", 16)
    found = most_similar(fitted, rows, others, 7)
    np.testing.assert_allclose(found.similarity, 1 - distances, atol=1e-4)
    assert (found.rows == numbers).mean() > 0.98


def test_alike_rows_share_their_answer(churn: lamina.Model):
    new, known = churn_table(300, seed=2), churn_table(800, seed=0)
    found = churn.similar(new, among=known, count=5)
    told = churn.predict(new)["predicted_churned"].gather(found["row"].to_numpy())
    chance = (known["churned"] == known["churned"].mode()[0]).mean()
    assert (found["churned"] == told).mean() > chance + 0.05


def test_rows_asked_for_and_frames_of_other_kinds(churn: lamina.Model):
    table = churn_table(50, seed=1)
    found = churn.similar(table.to_pandas(), among=table, rows=[7, 3], count=100)
    assert isinstance(found, pd.DataFrame)
    assert found["row"].tolist() == [7] * 50 + [3] * 50  # no more than there are
    one = churn.similar(table, among=table.drop("churned"), rows=4, count=1)
    assert one.row(0)[:2] == (4, 4)
    assert churn.similar(table, among=table, rows=[]).height == 0


def test_what_cannot_be_asked(churn: lamina.Model):
    table = churn_table(10)
    for changed, words in (
        ({"count": 0}, "0 alike rows"),
        ({"rows": 10}, "no row 10"),
    ):
        with pytest.raises(UsageError, match=words):
            churn.similar(table, among=table, **changed)
    with pytest.raises(SourceError, match="no rows"):
        churn.similar(table, among=table[:0])


def test_the_command(run, model_files: Path, churn_folder: Path, tmp_path: Path):
    order = ("similar", model_files / "churn.lamina", churn_folder / "new.csv")
    ran = run(*order, "--among", churn_folder / "churn.csv", "--row", 2, "--count", 3)
    assert ran.code == 0, ran.err
    found = pl.read_csv(io.StringIO(ran.out))
    assert found["row"].to_list() == [2, 2, 2]
    assert found["similarity"].is_sorted(descending=True)
    ran = run(*order, "--among", churn_folder / "churn.csv", "-o", tmp_path / "alike.parquet")
    assert ran.code == 0, ran.err
    assert pl.read_parquet(tmp_path / "alike.parquet").height == 250
