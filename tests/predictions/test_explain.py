"""Shares of columns and importance: exact where the network is additive, and the same for every kind."""

from __future__ import annotations

import functools
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

import lamina
from lamina.errors import UsageError
from lamina.features.targets.transcript import TranscriptTarget
from lamina.model import Model
from lamina.predictions.answers import network_answers
from lamina.predictions.explain.asked import Asking
from lamina.predictions.explain.background import matched, representative
from lamina.predictions.explain.reading import Reader
from small_media import picture

QUICK = {"quality": "fast", "hidden": (16,), "members": 2, "epochs": 3}
ROWS = 200
P = lamina.Predict


def table(rows: int = ROWS, seed: int = 0) -> pl.DataFrame:
    """Every kind that reads several columns in one block, and answers of every kind."""
    rng = np.random.default_rng(seed)
    a, b, c = rng.normal(size=(3, rows))
    word = rng.choice(["red", "green", "blue"], rows)
    begin = [datetime(2023, 1, 1) + timedelta(days=int(each)) for each in rng.integers(0, 400, rows)]
    length = rng.integers(0, 60, rows)
    price = 10 * a + np.where(word == "red", 5.0, 0.0) + np.where(c > 0, 3.0, -3.0) + 0.1 * length + 100
    return pl.DataFrame(
        {
            "a": np.where(rng.random(rows) < 0.1, np.nan, a),
            "b": b,
            "word": word,
            "mark": rng.choice(["x", "y", "z"], rows),
            "on": c > 0,
            "off": rng.random(rows) < 0.5,
            "begin": begin,
            "end": [each + timedelta(days=int(days)) for each, days in zip(begin, length, strict=True)],
            "from_latitude": rng.uniform(40, 50, rows),
            "from_longitude": rng.uniform(0, 10, rows),
            "to_latitude": rng.uniform(40, 50, rows),
            "to_longitude": rng.uniform(0, 10, rows),
            "price": price,
            "kind": np.where(price > 100, "dear", "cheap"),
            "size": np.array(["S", "M", "L"])[np.digitize(price, (95, 105))],
            "visits": rng.poisson(np.exp(1 + a / 2)),
            "spent": np.exp(3 + a / 2),
            "tags": [
                [t for t, on in (("hot", x > 0), ("new", y > 0)) if on] for x, y in zip(a, b, strict=True)
            ],
        }
    ).with_columns(pl.col("a").fill_nan(None))


ANSWERS = ("price", "kind", "size", "visits", "spent", "tags")


def without(*kept: str) -> pl.DataFrame:
    return table().drop(name for name in ANSWERS if name not in kept)


@functools.cache
def price(hidden: tuple[int, ...] = (16,), epochs: int = 3) -> Model:
    return lamina.fit(without("price"), "price", **{**QUICK, "hidden": hidden, "epochs": epochs})


@functools.cache
def everything() -> Model:
    """Targets of all kinds that can stand beside each other."""
    task = P(
        target=ANSWERS, answer={"visits": "count", "spent": "amount", "size": "ordered", "tags": "labels"}
    )
    return lamina.fit(table(), task, **QUICK)


@functools.cache
def pictures() -> Model:
    """Pictures and numbers, the pictures seen in more than one way."""
    model = lamina.fit(picture_table(), "bright", **{**QUICK, "epochs": 1})
    layer = next(each for each in model.fitted.network.input_layers() if each.name == "image:photo")
    layer.spec["views"] = True
    return model


@functools.cache
def picture_table() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    bright = rng.random(40) < 0.5
    return pl.DataFrame(
        {
            "photo": [picture(rng, bool(each)) for each in bright],
            "x": rng.normal(size=40),
            "y": rng.normal(size=40),
            "bright": np.where(bright, "yes", "no"),
        }
    )


# ------------------------------------------------------------------------------------------- mixtures


def mixed_frame(reader: Reader, one: pl.DataFrame, two: pl.DataFrame, coalitions: np.ndarray) -> pl.DataFrame:
    """Row by row, cells of ``one`` in the players of the coalition, of ``two`` in the others."""
    columns = []
    for k, player in enumerate(reader.players):
        mine = pl.Series(coalitions[:, k])
        columns += [one[name].zip_with(mine, two[name]) for name in player.columns]
    return pl.DataFrame(columns)


@pytest.mark.parametrize("model", [price, everything, pictures])
def test_mixed_rows_are_answered_as_such_rows_are(model: Any) -> None:
    fitted, rng = model().fitted, np.random.default_rng(0)
    frame = model()._inputs(picture_table() if model is pictures else table())
    reader = Reader(fitted)
    rows = reader.rows(frame)
    a, b = rng.integers(0, len(rows), (2, 50))
    coalitions = rng.random((50, len(reader.players))) < 0.5
    told = reader.mixed(rows, rows, a, b, coalitions)
    raw = mixed_frame(reader, frame[a], frame[b], coalitions)
    wanted = network_answers(fitted, fitted.features.transform(raw))
    assert told == pytest.approx(wanted.reshape(len(told), -1), abs=1e-5)


def test_players_are_columns_and_places() -> None:
    players = [each.columns for each in Reader(price().fitted).players]
    assert ("from_latitude", "from_longitude") in players
    assert ("begin",) in players
    assert len(players) == 10


def test_changed_cells_are_read_anew() -> None:
    fitted = price().fitted
    frame = price()._inputs(table())
    reader = Reader(fitted)
    other = frame[:20].with_columns(a=pl.lit(2.0), word=pl.Series(["blue"] * 20))
    asked = frame[0].drop("a", "word").join(other.select("a", "word"), how="cross")
    told = reader.changed(reader.rows(frame[0]), other.select("word", "a"))
    wanted = network_answers(fitted, fitted.features.transform(asked))
    assert told[:, 0] == pytest.approx(wanted, abs=1e-5)


# --------------------------------------------------------------------------------------------- shares


def test_shares_of_an_additive_network_are_exact() -> None:
    """Without hidden layers every column has a function of its own, and the answer is their sum."""
    frame = without("price").drop("begin", "end", "to_latitude", "to_longitude")
    model = lamina.fit(frame, "price", **{**QUICK, "hidden": (), "epochs": 20})
    asked = frame[:5]
    found = model.explain(asked, background=frame).rows
    values = model.predict(frame)["predicted_price"].to_numpy()
    scale = values.max() - values.min()
    for row, explained in enumerate(found):
        for each in explained.contributions:
            changed = frame.with_columns(
                pl.lit(asked[name][row], frame[name].dtype).alias(name) for name in each.columns
            )
            exact = (model.predict(changed)["predicted_price"].to_numpy() - values).mean()
            assert each.contribution == pytest.approx(exact, abs=1e-4 * scale)


def test_shares_add_up_for_every_kind_of_answer() -> None:
    frame = table()
    told = everything().predict(frame)
    found = everything().explain(frame, rows=[3, 7]).rows
    assert [each.target for each in found if each.row == 3][:4] == ["price", "kind", "size", "visits"]
    for each in found:
        assert each.answer == pytest.approx(each.mean + sum(c.contribution for c in each.contributions))
    of = {each.of: each.answer for each in found if each.row == 3}
    assert of["price"] == pytest.approx(told["predicted_price"][3], rel=1e-5)
    assert of["probability of 'dear'"] == pytest.approx(told["probability_kind_dear"][3], rel=1e-4)
    assert of["expected visits"] == pytest.approx(told["predicted_visits"][3], rel=1e-5)
    assert of["expected spent"] == pytest.approx(told["predicted_spent"][3], rel=1e-5)
    place = told["probability_size_M"][3] + 2 * told["probability_size_L"][3]
    assert of["expected place, 0 = 'S' to 2 = 'L'"] == pytest.approx(place, rel=1e-4)
    assert any(each.target == "tags" for each in found)


def test_what_is_explained_can_be_named() -> None:
    found = everything().explain(table(), rows=0, of=["M", "new", "spent"]).rows
    assert [each.of for each in found] == ["probability of 'M'", "expected spent", "probability of 'new'"]
    with pytest.raises(UsageError, match="no answer 'newt'"):
        everything().explain(table(), rows=0, of="newt")


def test_a_quantile() -> None:
    model = lamina.fit(without("price"), P("price", quantiles=(0.1, 0.5, 0.9)), **QUICK)
    (found,) = model.explain(table(), rows=1).rows
    assert found.of == "quantile 0.5 of price"
    assert found.answer == pytest.approx(model.predict(table())["predicted_price"][1], rel=1e-5)


def test_a_row_is_explained_alike_alone_and_among_others() -> None:
    many = price().explain(table(), rows=[4, 9]).rows[1]
    alone = price().explain(table(), rows=9).rows[0]
    assert [c.columns for c in alone.contributions] == [c.columns for c in many.contributions]
    own = [c.contribution for c in alone.contributions]
    assert own == pytest.approx([c.contribution for c in many.contributions], abs=1e-4)
    assert price().explain(table(), rows=9) == price().explain(table(), rows=np.int64(9))


def test_pictures_and_numbers_together() -> None:
    found = pictures().explain(picture_table(), rows=0).rows[0]
    assert {c.name for c in found.contributions} == {"photo", "x", "y"}
    assert found.answer == pytest.approx(pictures().predict(picture_table())["probability_yes"][0], rel=1e-4)


def test_nothing_to_compare_with() -> None:
    with pytest.raises(UsageError, match="comparing with other rows"):
        price().explain(table()[:1])
    assert price().explain(table()[:1], background=table()).background == "all 200 of the background rows"


def test_what_cannot_be_explained() -> None:
    with pytest.raises(UsageError, match="no row 200"):
        price().explain(table(), rows=[200])
    with pytest.raises(UsageError, match="no 'reasons'"):
        price().explain(table(), what="reasons")
    with pytest.raises(UsageError, match="nothing inside"):
        price().explain(table(), what="inside")
    spoken = TranscriptTarget.fit(pl.DataFrame({"said": ["one two", "three"]}), "said")
    with pytest.raises(UsageError, match="have no shares of columns"):
        Asking(spoken)


def test_rows_to_compare_with_are_spread_over_the_answers() -> None:
    values = np.random.default_rng(0).normal(size=(1000, 1))
    chosen = representative(values, 50)
    assert len(chosen) == 50
    assert abs(values[chosen].mean() - values.mean()) < 0.02  # a random sample: 0.14


def test_rows_to_compare_with_have_the_means_of_all() -> None:
    values = np.random.default_rng(0).normal(size=(2000, 30)) ** 3
    chosen = matched(values, np.arange(100))
    assert len(set(chosen.tolist())) == 100
    away = np.abs(values[chosen].mean(0) - values.mean(0))
    assert away.max() < 0.1 * np.abs(values[:100].mean(0) - values.mean(0)).max()


# ----------------------------------------------------------------------------------------- importance


def test_importance_of_what_matters_and_of_noise() -> None:
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 600))
    frame = pl.DataFrame({"x": x, "noise": noise, "y": 3 * x + rng.normal(size=600)})
    model = lamina.fit(frame, "y", quality="fast", hidden=(), members=1, epochs=60)
    found = model.explain(frame, what="importance")
    one, other = found.importance
    assert (one.name, other.name, found.metric, found.judged) == ("x", "noise", "rmse", 600)
    # |3x| has mean 3 √(2/π); dealing x out adds twice its variance to the squared error, which is about 1
    assert one.shapley == pytest.approx(3 * (2 / np.pi) ** 0.5, rel=0.1)
    assert one.shapley_interval[0] < one.shapley < one.shapley_interval[1]
    rmse = model.evaluate(frame).scores["rmse"]
    assert one.loss == pytest.approx((rmse**2 + 2 * 9 * x.var()) ** 0.5 - rmse, rel=0.1)
    assert one.loss_interval[0] > 2 > abs(other.loss_interval[1])
    assert "rmse grows without it by" in str(found)


def test_importance_for_several_targets_with_missing_answers() -> None:
    frame = table().with_columns(pl.when(pl.int_range(pl.len()) > 30).then("price").alias("price"))
    found = everything().explain(frame, what="importance", rows=range(12))
    assert {each.target for each in found.importance} == set(ANSWERS)
    assert len(found.importance) == len(ANSWERS) * 10
    assert found.rows == ()
    assert all(each.loss is not None for each in found.importance)


def test_importance_without_answers() -> None:
    found = price().explain(table().drop(ANSWERS), what="importance", rows=range(5))
    assert {each.loss for each in found.importance} == {None}
    assert "grows" not in str(found)
