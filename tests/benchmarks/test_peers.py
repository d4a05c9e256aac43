"""How raw columns are read for the peers, and the peers that are installed here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from benchmarks.peers import PEERS, taking_part
from benchmarks.peers.columns import Columns
from benchmarks.peers.record import Conditions, Question, held_out, spread

ROWS = pl.DataFrame(
    {
        "age": ["1", " 2 ", "?", "4.5"],
        "share": ["13%", "12.5%", "", None],
        "day": ["2024-01-31", "2024-02-01 11:00", None, "2024-03-01"],
        "kind": ["x", "y", "x", None],
        "text": [
            "a good long text here",
            "not such a bad one",
            "what could be said more",
            "nothing at all of it",
        ],
    }
)


def test_columns_are_read_with_care():
    columns = Columns.of(ROWS, ())
    assert columns.numbers == ("age", "share")
    assert columns.dates == ("day",)
    assert columns.categories == {"kind": ("x", "y")}
    assert columns.texts == ("text",)
    frame = columns.pandas(ROWS)
    np.testing.assert_array_equal(frame["age"], [1, 2, np.nan, 4.5])
    np.testing.assert_array_equal(frame["share"], [13, 12.5, np.nan, np.nan])
    assert frame["day days"].tolist()[1] - frame["day days"].tolist()[0] == 1
    assert frame["kind"].tolist()[:3] == ["x", "y", "x"]
    assert frame["kind"].isna().tolist() == [False, False, False, True]


def test_categories_never_met_are_missing():
    columns = Columns.of(ROWS, ("text",))
    frame = columns.pandas(ROWS.with_columns(kind=pl.lit("new")))
    assert frame["kind"].isna().all()
    assert list(frame["kind"].cat.categories) == ["x", "y"]


def test_classes_that_a_model_does_not_know_get_nothing():
    np.testing.assert_array_equal(spread(np.array([[0.4, 0.6]]), [0, 2], 3), [[0.4, 0, 0.6]])


@pytest.mark.parametrize("counts", [(80, 20), (99, 1), (3, 3)])
def test_a_part_is_held_out(counts: tuple[int, int]):
    answers = np.repeat([0, 1], counts)
    learn, stop = held_out(answers, True, 0)
    assert sorted([*learn, *stop]) == list(range(len(answers)))
    assert len(stop) == np.ceil(0.15 * len(answers))


def table(task: str) -> tuple[pl.DataFrame, Question]:
    rng = np.random.default_rng(1)
    x, kind = rng.normal(size=660), rng.choice(["a", "b", "c"], 660)
    signal = x + (kind == "b") + rng.normal(0, 0.2, 660)
    frame = pl.DataFrame({"x": [f"{each:.4f}" for each in x], "kind": kind})
    if task == "number":
        return frame.with_columns(y=pl.Series(signal)), Question("y", "rmse", None)
    return frame.with_columns(y=pl.Series(np.digitize(signal, [-0.5, 1]))), Question(
        "y", "accuracy", ("0", "1", "2")
    )


TABLE_PEERS = [
    name
    for name, peer in PEERS.items()
    if taking_part(name, "tables", "adult") and peer.environment is None and not name.startswith("lamina")
]
SLOW = {"tabm", "realmlp"}


@pytest.mark.parametrize("task", ["number", "classes"])
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in TABLE_PEERS]
)
@pytest.mark.filterwarnings("ignore")
def test_a_peer_of_tables_learns(name: str, task: str, tmp_path: Path):
    peer = PEERS[name]
    for module in peer.modules:
        pytest.importorskip(module, exc_type=ImportError)
    frame, question = table(task)
    learnt = peer.fit(frame[:600], question, Conditions(0, 1, tmp_path))
    found = learnt.predict(frame[600:].drop("y"))
    answers = question.answers(frame[600:])
    if task == "number":
        assert np.mean((found - answers) ** 2) < 0.5 * np.var(answers)
    else:
        np.testing.assert_allclose(found.sum(1), 1, atol=1e-4)
        assert np.mean(found.argmax(1) == answers) > 0.75
    learnt.save(tmp_path)
    assert any(each.stat().st_size for each in tmp_path.iterdir())


@pytest.mark.parametrize("name", ["tfidf-logreg", "tfidf-svc", "fasttext"])
@pytest.mark.filterwarnings("ignore")
def test_a_peer_of_texts_learns(name: str, tmp_path: Path):
    peer = PEERS[name]
    for module in peer.modules:
        pytest.importorskip(module, exc_type=ImportError)
    words = {"sport": ["goal", "match", "team"], "food": ["bread", "soup", "cheese"]}
    rng = np.random.default_rng(0)
    labels = rng.choice(list(words), 120)
    frame = pl.DataFrame(
        {
            "said": [f"the {rng.choice(words[label])} of day {k}" for k, label in enumerate(labels)],
            "label": labels,
        }
    )
    question = Question("label", "accuracy", ("food", "sport"))
    learnt = peer.fit(frame[:90], question, Conditions(0, 1, tmp_path))
    found = learnt.predict(frame[90:].drop("label"))
    assert np.mean(found.argmax(1) == question.answers(frame[90:])) > 0.95


@pytest.mark.parametrize("name", ["tfidf-linear", "tfidf-lightgbm"])
@pytest.mark.parametrize("task", ["number", "classes"])
@pytest.mark.filterwarnings("ignore")
def test_a_peer_of_mixed_tables_learns(name: str, task: str, tmp_path: Path):
    peer = PEERS[name]
    for module in peer.modules:
        pytest.importorskip(module, exc_type=ImportError)
    frame, question = table(task)
    rng = np.random.default_rng(2)
    said = [f"number {rng.integers(1000)} of the kind {3 * kind} came today" for kind in frame["kind"]]
    frame = frame.drop("kind").with_columns(said=pl.Series(said))
    learnt = peer.fit(frame[:600], question, Conditions(0, 1, tmp_path))
    found, answers = learnt.predict(frame[600:].drop("y")), question.answers(frame[600:])
    if task == "number":
        assert np.mean((found - answers) ** 2) < 0.7 * np.var(answers)
    else:
        assert np.mean(found.argmax(1) == answers) > 0.65
    learnt.save(tmp_path)
