"""The memory: what it holds, what it lets go, and that the same rows always have the same names."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.errors import UsageError
from lamina.learning.hashing import row_ids
from lamina.learning.memory import BOOKKEEPING, ID, PART, UPDATE, WEIGHT, Memory, MemoryLimits, bare
from lamina.learning.records import LearnSettings
from lamina.learning.replay import drawn_again, kept, rooms, uniform
from lamina.records import Field, Schema

SCHEMA = Schema(
    (
        Field(name="x", kind="number", role="input", why=""),
        Field(name="y", kind="category", role="target", why=""),
    )
)
NOW = datetime(2026, 1, 31)


def rows(count: int, seed: int = 0, rare: float = 0.05) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {"x": rng.normal(size=count), "y": np.where(rng.random(count) < rare, "rare", "common")}
    )


def remembered(
    memory: Memory, frame: pl.DataFrame, update: int = 0, when: datetime = NOW, judge: float = 0.0
) -> Memory:
    back = np.arange(frame.height) < judge * frame.height
    losses = np.linspace(0, 1, frame.height)
    return memory.with_rows(frame, SCHEMA, judge=back, losses=losses, when=when, update=update)


def test_a_row_has_the_same_name_wherever_it_stands() -> None:
    frame = rows(50)
    assert row_ids(frame[::-1], SCHEMA) == row_ids(frame, SCHEMA)[::-1]
    assert row_ids(frame.select("y", "x"), SCHEMA) == row_ids(frame, SCHEMA)
    assert row_ids(pl.DataFrame({"x": [1.5], "y": ["a"]}), SCHEMA) == ["a33620850c4a361b22e81ea8"]


def test_equal_rows_are_told_apart_by_their_count() -> None:
    twice = pl.DataFrame({"x": [1.0, 1.0, 2.0], "y": ["a", "a", "a"]})
    ids = row_ids(twice, SCHEMA)
    assert len(set(ids)) == 3
    assert row_ids(twice[1:], SCHEMA) == [ids[0], ids[2]]


def test_cells_cannot_run_together() -> None:
    schema = Schema(tuple(Field(name=n, kind="category", role="input", why="") for n in "ab"))
    frame = pl.DataFrame({"a": ["xy", "x", None], "b": ["z", "yz", "xyz"]})
    assert len(set(row_ids(frame, schema))) == 3


def test_rows_come_once_and_are_known_then() -> None:
    frame = rows(40)
    memory = remembered(Memory.empty(), frame, judge=0.25)
    again = remembered(memory, frame, update=1)
    assert len(memory) == len(again) == 40
    assert memory.knows(row_ids(frame, SCHEMA)).all()
    assert not memory.knows(row_ids(rows(5, seed=9), SCHEMA)).any()
    assert (memory.to_judge().height, memory.to_learn().height) == (10, 30)
    assert bare(memory.rows).equals(frame)
    assert memory.updates == 0


def test_the_memory_is_one_parquet_file(tmp_path: Path) -> None:
    memory = remembered(Memory.empty(), rows(20))
    memory.rows.write_parquet(tmp_path / "memory.parquet")
    assert pl.read_parquet(tmp_path / "memory.parquet").equals(memory.rows)
    assert set(BOOKKEEPING) < set(memory.rows.columns)


def test_forgotten_rows_are_gone() -> None:
    memory = remembered(Memory.empty(), rows(20))
    gone = memory.rows[ID][:5].to_list()
    left = memory.forget(gone)
    assert len(left) == 15
    assert not left.knows(gone).any()


def test_rows_put_aside_come_back_in_a_state_before() -> None:
    memory = remembered(remembered(Memory.empty(), rows(20), judge=0.5), rows(10, seed=1), update=1)
    gone = memory.rows[ID][:15].to_list()
    aside = memory.put_aside(gone, 1)
    assert (len(aside), aside.in_use.height) == (30, 15)
    assert (aside.to_judge().height, aside.to_learn().height) == (0, 15)
    assert not aside.knows(gone).any()
    assert aside.put_aside(gone, 2).rows.equals(aside.rows)  # it was the first update that put them there
    assert aside.after({0, 1}).rows.equals(aside.rows)
    assert aside.after({0}).rows.equals(memory.rows[:20])
    assert not pl.Series(gone).is_in(aside.forget(gone).rows[ID].implode()).any()


def test_rows_put_aside_have_the_room_that_the_others_leave() -> None:
    memory = remembered(Memory.empty(MemoryLimits(learn=100)), rows(90))
    memory = memory.put_aside(memory.rows[ID][:60].to_list(), 1)
    assert kept(memory, "y").rows.equals(
        memory.rows.sort("_lamina.aside", nulls_last=False, maintain_order=True)
    )
    fuller = kept(remembered(memory, rows(50, seed=1), update=1), "y")
    assert (fuller.in_use.height, len(fuller)) == (80, 100)
    back = fuller.after({0})
    assert back.rows[WEIGHT].sum() == pytest.approx(90)
    assert len(kept(remembered(memory, rows(200, seed=2), update=1), "y").after({0})) < 30


def test_rows_leave_when_they_are_old() -> None:
    memory = Memory.empty(MemoryLimits(oldest=30))
    memory = remembered(memory, rows(10, seed=1), when=NOW - timedelta(days=40))
    memory = remembered(memory, rows(10, seed=2), update=1)
    assert memory.without_old(NOW).rows[UPDATE].to_list() == [1] * 10


def test_nothing_is_kept_where_nothing_may_be() -> None:
    assert len(remembered(Memory.empty(MemoryLimits(mode="none")), rows(10))) == 0
    partly = remembered(Memory.empty(MemoryLimits(without=("x",))), rows(10))
    assert "x" not in partly.rows.columns


def test_files_are_kept_as_their_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"picture")
    schema = Schema((Field(name="image", kind="image", role="input", why=""),))
    frame = pl.DataFrame({"image": [str(tmp_path / "a.png"), None]})
    memory = Memory.empty().with_rows(
        frame, schema, judge=np.zeros(2, bool), losses=np.zeros(2), when=NOW, update=0
    )
    assert memory.rows["image"].to_list() == [b"picture", None]
    assert row_ids(memory.rows, schema) == row_ids(frame, schema)


# ---------------------------------------------------------------------------------------- limits


def test_a_full_memory_keeps_rare_classes_and_stands_for_all() -> None:
    memory = remembered(Memory.empty(MemoryLimits(learn=200)), rows(4000, rare=0.01))
    small = kept(memory, "y")
    counts = dict(small.rows["y"].value_counts().iter_rows())
    assert len(small) == 200
    assert counts["rare"] >= 20
    stands = {name[0]: own[WEIGHT].sum() for name, own in small.rows.group_by("y")}
    truth = dict(memory.rows["y"].value_counts().iter_rows())
    assert stands == pytest.approx(truth)


def test_every_update_keeps_its_share_of_a_full_memory() -> None:
    memory = Memory.empty(MemoryLimits(learn=500))
    for number in range(10):
        memory = kept(remembered(memory, rows(1000, seed=number), update=number), "y")
    shares = memory.rows[UPDATE].value_counts().sort(UPDATE)["count"].to_numpy()
    assert len(memory) == 500
    assert 25 < shares.min() <= shares.max() < 80  # 50 each, give or take chance
    assert memory.rows[WEIGHT].sum() == pytest.approx(10_000)


def test_hard_rows_stay_longer_but_not_the_doubtful_ones() -> None:
    memory = kept(remembered(Memory.empty(MemoryLimits(learn=1000)), rows(5000, rare=0)), "y")
    hardness = memory.rows["_lamina.loss"].to_numpy()
    hard, easy = ((hardness > 2 / 3) & (hardness < 0.98)).sum() / (0.98 - 2 / 3), (hardness < 1 / 3).sum() * 3
    assert 1.5 < hard / easy < 2.6


@settings(max_examples=100, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 50), min_size=1, max_size=8),
    room=st.integers(0, 300),
    seed=st.integers(0, 99),
)
def test_rooms_are_filled_and_never_overflow(sizes: list[int], room: int, seed: int) -> None:
    weights = np.random.default_rng(seed).random(len(sizes)) * 100
    given_ = rooms(weights, np.array(sizes), room)
    assert (given_ <= sizes).all()
    assert (given_ >= 0).all()
    assert given_.sum() == min(room, sum(sizes))


def test_what_a_row_serves_is_independent_of_the_rest() -> None:
    ids = pl.Series(row_ids(rows(4000), SCHEMA))
    shares = np.array([uniform(ids, which) for which in range(3)])
    assert np.abs(np.corrcoef(shares) - np.eye(3)).max() < 0.05
    assert np.abs(shares.mean(1) - 0.5).max() < 0.02


def test_remembered_rows_are_drawn_as_the_rows_that_they_stand_for() -> None:
    stands = np.array([1.0] * 50 + [9.0] * 50)
    rng = np.random.default_rng(0)
    drawn = [drawn_again(stands, 20, rng) for _ in range(200)]
    assert all(len(np.unique(each)) == 20 for each in drawn)
    assert np.mean([(each >= 50).mean() for each in drawn]) > 0.8
    assert len(drawn_again(stands, 500, rng)) == 100


@pytest.mark.parametrize(
    "wrong",
    [{"level": 0.0}, {"level": 0.6}, {"margin": -1.0}, {"judge": 1.0}, {"relation": "x"}, {"time_limit": 0}],
)
def test_settings_that_cannot_be(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        LearnSettings(**wrong)  # type: ignore[arg-type]


def test_judge_rows_are_thinned_by_themselves() -> None:
    memory = Memory.empty(MemoryLimits(learn=100, judge=50))
    memory = kept(remembered(memory, rows(1000), judge=0.3), "y")
    assert dict(memory.rows[PART].value_counts().iter_rows()) == {"learn": 100, "judge": 50}
