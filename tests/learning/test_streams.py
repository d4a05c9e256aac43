"""A stream: answered before learnt, nothing known too early, bounded, the same every time."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import lamina
from lamina.errors import TargetError, UsageError
from lamina.learning.alarm import BLOCK, Alarm, limit_for
from lamina.learning.lags import lags_for, past_of, with_lags
from lamina.learning.pool import Pool, Repeats, logs_of
from lamina.learning.ring import Ring
from lamina.model import Model

ON = lamina.Machine(threads=1, device="cpu", progress=False)


def world(rows: int, seed: int, *, turned: bool = False) -> pl.DataFrame:
    """A class that follows from a number and a word; ``turned``: the other way round."""
    rng = np.random.default_rng(seed)
    x, word = rng.normal(size=rows), rng.choice(["a", "b"], rows)
    high = x + np.where(word == "a", 0.5, -0.5) > 0
    return pl.DataFrame({"x": x, "word": word, "y": np.where(high != turned, "high", "low")})


def sticky(rows: int, seed: int) -> pl.DataFrame:
    """A class that seldom changes, and a number that tells nothing."""
    rng = np.random.default_rng(seed)
    return pl.DataFrame({"x": rng.normal(size=rows), "y": np.cumsum(rng.random(rows) < 0.1) % 2})


@cache
def model() -> Model:
    return lamina.fit(world(400, 0), "y", quality="fast", epochs=5, on=ON)


def weights(stream: lamina.Stream) -> list[torch.Tensor]:
    return [each.clone() for each in stream.streaming.fitted.network.state_dict().values()]


def same(some: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(some, others, strict=True))


# ------------------------------------------------------------------------------------- the stream


def test_a_world_that_turns_is_learnt_and_the_alarm_is_raised() -> None:
    stream = lamina.Stream(model())
    data = pl.concat([world(1200, 1), world(1600, 2, turned=True)])
    found = stream.run(data)
    late = found.errors[-500:]
    assert late["stream"].mean() < 0.1 < 0.9 < late["never"].mean()
    assert len(found.alarms) == 1
    assert 1200 < found.alarms[0] <= 1200 + 6 * BLOCK
    assert found.over_time()["row"].to_list() == list(range(0, 2800, 140))
    assert "accuracy over 2,800 rows" in str(found)


def test_predicting_changes_nothing_and_learning_does() -> None:
    stream, rows = lamina.Stream(model()), world(40, 3)
    before, answers = weights(stream), stream.predict(rows.drop("y"))
    assert same(before, weights(stream))
    stream.learn(rows)
    assert not same(before, weights(stream))
    assert answers["predicted_y"].to_list() == model().predict(rows)["predicted_y"].to_list()


def test_a_run_is_predicting_then_learning() -> None:
    """Row by row through the public verbs, and in one run: the same answers and the same network."""
    rows = world(60, 4)
    one, other = lamina.Stream(model(), batch=4), lamina.Stream(model(), batch=4)
    found, told = one.run(rows), []
    for start in range(0, 60, 4):
        told += other.predict(rows[start : start + 4])["predicted_y"].to_list()
        other.learn(rows[start : start + 4])
    assert found.answers["predicted_y"].to_list() == told
    assert same(weights(one), weights(other))


def test_no_answer_is_used_before_it_is_known() -> None:
    """Whatever the last answers are, the answers of the rows within the delay are the same."""
    first, rows = sticky(400, 5), sticky(64, 6)
    started = lamina.Stream.start(
        first, "y", lags=2, delay=8, fit_with={"quality": "fast", "epochs": 3, "on": ON}
    )
    other = rows.with_columns(pl.Series("y", [*rows["y"][:-20], *(1 - rows["y"][-20:])]))
    told = [
        lamina.Stream(started.model, delay=8, batch=4).run(each).answers["probability_1"]
        for each in (rows, other)
    ]
    assert told[0][: 64 - 20 + 8].to_list() == told[1][: 64 - 20 + 8].to_list()
    assert told[0][-4:].to_list() != told[1][-4:].to_list()


def test_the_last_answers_help_where_they_tell() -> None:
    started = lamina.Stream.start(sticky(500, 7), "y", lags=1, fit_with={"quality": "fast", "on": ON})
    assert [lag.name for lag in started.lags] == ["y 1 rows before"]
    found = started.run(sticky(300, 8))
    assert found.scores["stream"] > 0.85
    assert found.scores["last"] == pytest.approx(0.9, abs=0.04)
    last = started.predict({"x": [0.0]})["predicted_y"]
    started.learn({"x": [0.0], "y": [1 - last[0]]})
    assert started.predict({"x": [0.0]})["predicted_y"] == [1 - last[0]]


def test_new_classes_and_words_grow() -> None:
    stream = lamina.Stream(model(), grow_every=100)
    new = world(300, 9).with_columns(
        pl.when(pl.col("x") > 1).then(pl.lit("top")).otherwise(pl.col("y")).alias("y"),
        pl.when(pl.col("x") < -1).then(pl.lit("c")).otherwise(pl.col("word")).alias("word"),
    )
    found = stream.run(pl.concat([new] * 4))
    assert stream.model.fitted.target.labels == ("high", "low", "top")
    assert "probability_top" in found.answers.columns
    late, top = found.errors["stream"][-300:], pl.Series(new["y"] == "top")
    assert late.filter(top).mean() < 0.3
    assert stream.streaming.growths == 1


def test_a_stream_of_numbers() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=700)
    rows = pl.DataFrame({"x": x, "y": 3 * x + rng.normal(size=700) * 0.1})
    started = lamina.Stream.start(rows[:300], "y", fit_with={"quality": "fast", "epochs": 5, "on": ON})
    found = started.run(rows[300:])
    assert found.measure == "absolute_error"
    assert found.scores["stream"] < 0.7 * found.scores["last"]


def test_the_network_of_a_stream_is_a_model(tmp_path: Path) -> None:
    stream, rows = lamina.Stream(model()), world(50, 10)
    stream.learn(rows)
    loaded = lamina.load(stream.model.save(tmp_path / "now.lamina"))
    assert (
        loaded.predict(rows)["probability"].to_list() == stream.model.predict(rows)["probability"].to_list()
    )
    assert loaded.fitted.confidence is None  # 50 rows make nothing honest


def test_the_network_of_a_stream_is_honest(tmp_path: Path) -> None:
    """Half of the answers are turned at random: bounds found on the last rows hold on the next ones."""
    rows, rng = world(2500, 13), np.random.default_rng(0)
    rows = rows.with_columns(pl.Series("y", np.where(rng.random(2500) < 0.6, rows["y"], "low")))
    stream = lamina.Stream(model())
    stream.learn(rows[:1500])
    loaded = lamina.load(stream.model.save(tmp_path / "now.lamina"))
    scores = loaded.evaluate(rows[1500:]).scores
    assert scores["ece"] < 0.06 < lamina.Stream(model()).model.evaluate(rows[1500:]).scores["ece"]
    assert scores["coverage"] > 0.87  # sets are never empty, so that they may cover more


def test_the_last_answer_is_gone_by_where_it_tells() -> None:
    """Without look-back and with a column that tells nothing, and with a delay that makes it tell less."""
    for delay, least in ((0, 0.85), (3, 0.6)):
        stream = lamina.Stream.start(
            sticky(300, 1), lamina.Predict("y", answer="classes"), delay=delay,
            fit_with={"quality": "fast", "epochs": 3, "on": ON},
        )  # fmt: skip
        scores = stream.run(sticky(1500, 2)).scores
        assert scores["stream"] > max(least, scores["never"] + 0.1)
        assert scores["stream"] > scores["last"] - 0.05  # what it costs to find out


def test_a_pool_finds_who_is_right() -> None:
    rng = np.random.default_rng(0)
    answers = rng.integers(0, 3, 4000)
    right = np.full((4000, 3), 0.1)
    right[np.arange(4000), answers] = 0.8
    wrong = rng.permutation(right)
    pool, logs = Pool(2), np.stack([logs_of(wrong), logs_of(right)])
    assert np.allclose(pool(logs), wrong, atol=1e-6)  # the first one alone
    for start in range(0, 4000, 8):
        pool.learn(logs[:, start : start + 8], answers[start : start + 8])
    assert pool.weights[1] > 1 > 0.2 > pool.weights[0]


@given(st.lists(st.integers(-1, 3), min_size=1, max_size=40))
def test_what_repeats_are_likely_is_a_distribution(last: list[int]) -> None:
    repeats = Repeats(4)
    codes = np.array(last)
    repeats.learn(codes, np.zeros(len(codes), np.int64))
    told = repeats(codes)
    assert np.allclose(told.sum(1), 1)
    assert (told >= 0).all()


def test_answers_later_than_the_stream_is_long_are_learnt_at_its_end() -> None:
    stream, rows = lamina.Stream(model(), delay=500, memory=50), world(120, 12)
    found = stream.run(rows)
    assert found.answers["predicted_y"].to_list() == model().predict(rows)["predicted_y"].to_list()
    assert found.errors["last"].null_count() == 120
    assert stream.streaming.learnt == 120


def test_memory_is_bounded() -> None:
    stream = lamina.Stream(model(), memory=50, batch=10)
    stream.run(world(300, 11))
    assert len(stream.streaming.ring) == 50
    assert sum(each.height for each in stream.streaming._recent) <= 500


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"delay": -1}, "delay=-1"),
        ({"batch": 0}, "batch=0"),
        ({"batch": 2000}, "do not fit"),
        ({"bach": 8}, "no setting 'bach'"),
        ({"rate": float("nan")}, "rate=nan"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, float], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        lamina.Stream(model(), **settings)


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(TargetError, match="no column 'y'"):
        lamina.Stream(model()).learn(world(5, 0).drop("y"))
    with pytest.raises(TargetError, match="no value in any of the 5 rows"):
        lamina.Stream(model()).run(world(5, 0).with_columns(y=pl.lit(None, dtype=pl.String)))
    with pytest.raises(TargetError, match="no column 'z'"):
        lamina.Stream.start(world(5, 0), "y", lags={"z": 1})


# -------------------------------------------------------------------------------------- its parts


def test_false_alarms_are_as_rare_as_stated() -> None:
    """Independent errors of a fifth of the rows: the mean run between alarms is about as asked."""
    rng, asked = np.random.default_rng(0), 10_000
    alarm, rows = Alarm(asked), 2_000_000
    raised = sum(alarm.see(rng.random(BLOCK) < 0.2) for _ in range(rows // BLOCK))
    assert raised <= 1.5 * rows / asked
    assert raised >= 0.3 * rows / asked


def test_the_limit_is_that_of_the_tables() -> None:
    """Hawkins and Olwell 1998: slack 0.5 and limit 5 run 930 observations, limit 4 runs 336."""
    assert limit_for(930) == pytest.approx(5.0, abs=0.05)
    assert limit_for(336) == pytest.approx(4.0, abs=0.05)


@given(st.lists(st.integers(1, 7), max_size=20), st.integers(7, 20))
def test_the_ring_holds_the_last_rows(sizes: list[int], room: int) -> None:
    ring, come = Ring(room), np.arange(sum(sizes))
    for end, size in zip(np.cumsum(sizes), sizes, strict=True):
        ring.add({"a": come[end - size : end]}, come[end - size : end])
    assert len(ring) == min(room, len(come))
    if len(ring):
        arrays, answers = ring.draw(500, np.random.default_rng(0))
        assert set(arrays["a"]) == set(come[-room:])
        assert np.array_equal(arrays["a"], answers)


@given(st.integers(0, 12), st.integers(0, 3))
def test_lags_in_pieces_are_those_of_the_whole(cut: int, delay: int) -> None:
    rows = pl.DataFrame({"y": list(range(12)), "x": [k / 2 for k in range(12)]})
    lags = lags_for({"y": 2, "x": 1}, delay)
    whole = with_lags(rows, lags, past_of(rows.clear(), lags))
    parts = [
        with_lags(rows[:cut], lags, past_of(rows.clear(), lags)),
        with_lags(rows[cut:], lags, past_of(rows[:cut], lags)),
    ]
    assert pl.concat(parts).equals(whole)
    assert whole[f"y {delay + 1} rows before"].to_list() == [None] * (delay + 1) + [
        str(k) for k in range(11 - delay)
    ]
