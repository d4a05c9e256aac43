"""What a store does with new rows: learns them once, notes it, goes back, keeps within limits, forgets."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import lamina
from lamina.errors import StoreError, TargetError, UsageError
from lamina.features.encoded import READ
from lamina.learning.memory import ASIDE, BOOKKEEPING, ID, UPDATE
from lamina.model import Model
from lamina.store.files import read_memory
from lamina.store.log import available
from lamina.stores import Store
from small_data import EASY, STRICT, churn_table, month, write_digits

Make = Callable[..., Store]
pytestmark = pytest.mark.filterwarnings("default::lamina.errors.LaminaWarning")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def database(request: pytest.FixtureRequest) -> str:
    """What a log says is tested in both databases beside the store; learning is slow."""
    return str(request.param)


@pytest.fixture
def store(new_store: Make, beginner: Model) -> Store:
    made = new_store(who="anna")
    made.add(beginner, churn_table(800, seed=0), id="customer")
    return made


def files(store: Store) -> tuple[list[str], list[str]]:
    return tuple(sorted(e.name for e in (store.place / name).iterdir()) for name in ("versions", "memory"))  # type: ignore[return-value]


# ----------------------------------------------------------------------------------------------- learning


def test_months_are_learnt_one_after_the_other(store: Store):
    before = store.champion.evaluate(month(9)).scores["log_loss"]
    told = [store.learn(month(number), **EASY) for number in (1, 2)]
    assert [each.outcome for each in told] == ["promoted", "promoted"]
    assert store.version == 3
    assert store.champion.evaluate(month(9)).scores["log_loss"] < before
    history = store.history()
    assert history["outcome"].to_list() == ["added", "promoted", "promoted"]
    assert history["champion"].to_list() == [1, 2, 3]
    assert history["rows"].to_list() == [800, 1500, 1500]
    assert history["data_hash"].n_unique() == 3
    assert (history["candidate_on_new"] < history["champion_on_new"]).to_list() == [None, True, True]
    assert files(store) == (["0001.lamina", "0002.lamina", "0003.lamina"], ["0002.parquet"])
    assert store.memory.learn > 800


def test_the_same_rows_twice_change_nothing(store: Store):
    first = store.learn(month(1), **EASY)
    before = (files(store), store.history().height)
    again = store.learn(month(1).to_dicts(), **EASY)  # from somewhere else
    assert (again.outcome, again.version, again.data_hash) == ("unchanged", 2, first.data_hash)
    assert (files(store), store.history().height) == before
    assert store.learn(churn_table(800, seed=0)).outcome == "unchanged"  # the first training
    part = store.learn(month(1).head(300), **EASY)  # other rows than before, but all known
    assert (part.outcome, part.version) == ("unchanged", 2)
    assert (files(store), store.history().height) == before


def test_a_candidate_that_is_not_better_is_kept_and_waits(store: Store):
    tossed = month(3).with_columns(pl.col("churned").shuffle(seed=1))
    told = store.learn(tossed, **STRICT)
    assert (told.outcome, told.version, told.candidate) == ("kept", 1, 2)
    assert told.report is not None
    assert told.report.verdict.tests
    assert store.model("candidate").schema == store.champion.schema
    assert store.learn(tossed, **STRICT).outcome == "unchanged"
    second = store.learn(month(4).with_columns(pl.col("churned").shuffle(seed=1)), **STRICT)
    assert second.outcome == "kept"
    assert files(store)[0] == ["0001.lamina", "0003.lamina"]  # the latest candidate waits
    with pytest.raises(StoreError, match=r"Version 2 was removed on .* a later candidate took its place"):
        store.model(2)
    assert store.rollback("candidate") == 3
    assert store.rollback() == 1


def test_rows_that_are_unfit_are_refused_and_change_nothing(store: Store):
    before = (files(store), store.memory)
    told = store.learn(month(1).drop("charge"))
    assert (told.outcome, told.version) == ("refused", 1)
    assert "'charge'" in told.why
    assert (files(store), store.memory) == before
    last = store.history().row(-1, named=True)
    assert (last["outcome"], last["who"], last["rows"]) == ("refused", "anna", 1500)


def test_a_failure_is_noted(store: Store, monkeypatch: pytest.MonkeyPatch):
    from lamina.learning import stored

    def broken(*_: object, **__: object) -> None:
        raise TargetError("The rows are odd.", "Bring others.")

    monkeypatch.setattr(stored, "update", broken)
    with pytest.raises(TargetError):
        store.learn(month(1), **EASY)
    last = store.history().row(-1, named=True)
    assert (last["outcome"], last["why"], last["champion"]) == ("failed", "The rows are odd.", 1)
    monkeypatch.undo()
    assert store.learn(month(1), **EASY).outcome == "promoted"


def test_settings_that_are_not_there(store: Store):
    with pytest.raises(UsageError, match=r"no setting 'levle' of learning.*\n.*Did you mean 'level'"):
        store.learn(month(1), levle=0.1)
    with pytest.raises(UsageError, match="cannot be"):
        store.learn(month(1), level=7)
    assert store.history().height == 1


def test_learning_is_the_same_every_time(new_store: Make, beginner: Model):
    contents = []
    for name in ("one", "two"):
        store = new_store(name)
        store.add(beginner)
        assert store.learn(month(1), **EASY).outcome == "promoted"
        contents.append((store.place / "versions" / "0002.lamina").read_bytes())
    assert contents[0] == contents[1]


# ----------------------------------------------------------------------------------------- and back again


def test_what_was_rolled_back_is_not_learnt_from_but_may_be_again(store: Store):
    remembered = store.memory.learn
    same = churn_table(1500, seed=1)  # the same relation: to follow another is to forget what contradicts it
    store.learn(same, **EASY)
    assert store.memory.learn > remembered
    store.rollback()
    assert store.memory.learn == remembered
    assert store.rollback(2) == 2  # forward again: nothing was lost
    assert store.memory.learn > remembered
    store.rollback()
    assert store.learn(month(2), **EASY).outcome == "promoted"
    memory = read_memory(store.opened.folder, store.opened.log.head().memory)  # type: ignore[union-attr,arg-type]
    assert sorted(memory[UPDATE].unique()) == [0, 2]
    assert store.learn(same, **EASY).outcome != "unchanged"


def test_rows_that_a_followed_relation_put_aside_come_back_with_a_rollback(store: Store):
    store.set(learn=5_000, judge=2_000)
    before = store.memory
    path = max((store.place / "memory").iterdir())
    was = set(pl.read_parquet(path)[ID])
    told = store.learn(month(1), **EASY)
    assert told.report is not None
    assert told.report.verdict.followed
    now = store.memory
    assert now.aside >= before.judge  # all that judged, and those that contradict
    assert was < names(store)
    assert store.learn(month(1), **EASY).outcome == "unchanged"
    store.rollback()
    assert (store.memory.learn, store.memory.judge, store.memory.aside) == (before.learn, before.judge, 0)
    store.rollback(2)
    assert store.memory == now
    assert store.forget(rows=churn_table(800, seed=0).head(40)).remembered == 40  # wherever they lay
    assert store.forget(rows=churn_table(800, seed=0).head(40)).outcome == "nothing"


def test_a_memory_from_before_rows_were_put_aside_is_read(store: Store):
    before = store.memory
    path = max((store.place / "memory").iterdir())
    pl.read_parquet(path).drop(ASIDE).write_parquet(path)
    assert store.memory.learn == before.learn
    assert store.learn(churn_table(1500, seed=1), **EASY).outcome == "promoted"


def test_a_new_model_begins_a_new_life_and_the_old_one_stays(store: Store, beginner: Model):
    store.learn(month(1), **EASY)
    before = store.memory.learn
    fresh = lamina.fit(month(7), "churned", quality="fast", hidden=(8,), epochs=1)
    store.add(fresh, month(7), note="fitted anew")
    assert store.memory.learn == fresh.sample.frame.height  # type: ignore[union-attr]
    assert store.learn(month(1), **EASY).outcome != "unchanged"
    assert store.rollback(2) == 2
    store.rollback(3)
    assert store.rollback() == 2
    assert store.learn(month(1), **EASY).outcome == "unchanged"
    assert before > 0


# --------------------------------------------------------------------------------- the memory's limits


def test_a_model_from_a_file_learns_from_rows_that_are_given(
    new_store: Make, beginner: Model, tmp_path_factory: pytest.TempPathFactory
):
    path = beginner.save(tmp_path_factory.mktemp("saved") / "m.lamina")
    bare, full = new_store("bare"), new_store("full")
    bare.add(path)
    full.add(path, churn_table(800, seed=0))
    assert (bare.memory.learn, full.memory.learn) == (0, 800)
    assert bare.memory.columns == ()
    assert lamina.load(path).kept is None
    kept = beginner.kept
    assert kept is not None
    assert (len(kept.to_learn()), len(kept.to_judge())) == (400, 400)


def test_the_memory_keeps_its_limits(store: Store):
    store.set(learn=100, judge=50, without=("city",))
    held = store.memory
    assert (held.learn, held.judge) == (100, 50)
    assert "city" not in held.columns
    store.learn(month(1), **EASY)
    assert (store.memory.learn, store.memory.judge) == (100, 50)
    assert lamina.Store(store.place).memory.limits.learn == 100
    assert store.history()["outcome"].to_list()[1] == "limited"
    with pytest.raises(UsageError, match=r"no limit 'lern'.*\n.*Did you mean 'learn'"):
        store.set(lern=3)
    with pytest.raises(UsageError, match="The memory cannot be so"):
        store.set(learn="many")


def test_a_memory_of_nothing_holds_no_row(store: Store):
    store.set(mode="none")
    assert (store.memory.learn, store.memory.judge) == (0, 0)
    store.learn(month(1), **EASY)
    assert (store.memory.learn, store.memory.judge) == (0, 0)
    for path in (store.place / "memory").iterdir():
        assert pl.read_parquet(path).height == 0


def test_a_memory_of_features_holds_no_cell_and_is_learnt_from(store: Store):
    words = set(churn_table(800, seed=0)["city"].drop_nulls().unique())
    before = store.memory
    store.set(mode="features")
    assert (store.memory.learn, store.memory.judge) == (before.learn, before.judge)
    for number in (1, 2):
        told = store.learn(churn_table(1500, seed=number), **EASY)
        assert told.outcome == ("promoted" if number == 1 else "kept")  # as rows do
        assert told.report is not None
        assert {each.what for each in told.report.drift} == {"answers", "relation", "features"}
        assert told.report.rows["remembered"] > 0
        assert told.report.rows["judged on old"] > 0
        assert store.learn(churn_table(1500, seed=number)).outcome == "unchanged"
    path = max((store.place / "memory").iterdir())
    held = pl.read_parquet(path)
    read = [name for name in held.columns if name.startswith(READ)]
    assert set(held.columns) == {*BOOKKEEPING, "churned", *read}
    assert read
    assert not any(word.encode() in path.read_bytes() for word in words)
    told = store.learn(churn_table(300, seed=5).with_columns(extra=pl.lit(1.0) * pl.int_range(300)), **EASY)
    assert told.report is not None
    assert not any(each.what == "column" for each in told.report.grown)
    store.set(mode="rows")  # from now on; what has no cells is learnt from as it is
    assert store.learn(churn_table(1500, seed=6), **EASY).report.rows["remembered"] > 0  # type: ignore[union-attr]
    assert "city" in pl.read_parquet(max((store.place / "memory").iterdir())).columns


def test_a_class_is_learnt_from_its_rows_alone_where_features_are_remembered(new_store: Make):
    rng = np.random.default_rng(0)
    middles = {"a": (0.0, 0.0), "b": (4.0, 0.0), "c": (2.0, 3.0)}

    def rows(count: int, *classes: str) -> pl.DataFrame:
        names = rng.choice(classes, count)
        points = rng.normal(size=(count, 2)) * 0.7 + np.array([middles[each] for each in names])
        return pl.DataFrame({"x": points[:, 0], "y": points[:, 1], "kind": names})

    store, first, test = new_store(), rows(1200, "a", "b"), rows(600, "a", "b")
    store.add(lamina.fit(first, "kind", quality="fast", hidden=(32,), epochs=10), first)
    store.set(mode="features")
    told = store.learn(rows(400, "c"))
    assert told.outcome == "promoted"
    assert store.champion.evaluate(test).scores["accuracy"] > 0.96  # nothing was forgotten
    assert store.champion.evaluate(rows(300, "c")).scores["accuracy"] > 0.9
    assert not {"x", "y"} & set(pl.read_parquet(max((store.place / "memory").iterdir())).columns)


def test_a_network_that_remembers_features_forgets_by_going_back(store: Store):
    store.set(mode="features")
    store.learn(churn_table(1500, seed=1), **EASY)
    told = store.forget(["C1000005"])
    assert (told.outcome, told.base, told.version) == ("retrained", 1, 1)
    with pytest.raises(StoreError, match="holds no others"):
        store.forget(["C0000001"])


def test_a_memory_of_features_holds_no_pictures(tmp_path: Path, new_store: Make):
    write_digits(tmp_path / "digits", 60)
    store = new_store()
    on = lamina.Machine(threads=1, device="cpu", progress=False)
    store.add(lamina.fit(tmp_path / "digits", quality="fast", epochs=1, on=on))
    with pytest.raises(UsageError, match="of the kind image"):
        store.set(mode="features")
    assert store.memory.limits.mode == "rows"


def test_rows_leave_when_they_are_old(store: Store):
    store.set(oldest=30.0)
    assert store.memory.learn > 0
    assert store.memory.newest is not None
    assert datetime.now(UTC).replace(tzinfo=None) - store.memory.newest < timedelta(hours=1)
    store.set(oldest=1e-9)
    assert store.memory.learn == 0


# ---------------------------------------------------------------------------------------------- forgetting


def names(store: Store) -> set[str]:
    return set(pl.concat([pl.read_parquet(p) for p in (store.place / "memory").iterdir()])[ID])


def test_rows_of_an_update_are_forgotten_by_training_again_without_them(store: Store):
    store.learn(churn_table(1500, seed=1), **EASY)
    store.learn(churn_table(1500, seed=2), **EASY)
    before = names(store)
    told = store.forget(["C1000005", "C1000006"], note="asked by letter")
    assert (told.outcome, told.base, told.removed) == ("retrained", 1, (2, 3))
    assert (told.rows, told.remembered) == (2, 2)
    assert store.version == told.version
    assert len(before - names(store)) == 2
    assert files(store)[0] == sorted({"0001.lamina", f"{told.version:04d}.lamina"})
    last = store.history().row(-1, named=True)
    assert (last["outcome"], last["note"], last["rows"]) == ("forgotten", "asked by letter", 2)
    with pytest.raises(StoreError, match=r"Version 2 was removed .* rows that it had learnt from were to be"):
        store.rollback(2)
    assert store.forget(["C1000005"]).outcome == "nothing"
    assert store.learn(churn_table(1500, seed=1), **EASY).outcome in (
        "promoted",
        "kept",
    )  # the others are known, or learnt again
    # rows that were learnt again from the memory can be forgotten, too
    again = store.forget(["C2000007"])
    assert again.outcome in ("retrained", "cleared")
    assert again.rows == 1


def test_rows_of_the_first_training_are_forgotten_by_training_from_the_beginning(store: Store):
    store.learn(month(1), **EASY)
    told = store.forget(rows=churn_table(800, seed=0).head(3))
    assert (told.outcome, told.base, told.removed, told.rows) == ("retrained", None, (1, 2), 3)
    assert files(store)[0] == ["0003.lamina"]
    assert store.champion.evaluate(month(9)).rows == 1500
    assert store.learn(month(2), **EASY).outcome in ("promoted", "kept")


def test_what_only_the_log_knows_is_cleared(store: Store):
    store.predict(month(5), log=True)
    told = store.forget(["C5000001"])
    assert (told.outcome, told.predictions, told.rows, told.version) == ("cleared", 1, 0, 1)
    assert "C5000001" not in store.opened.calls.frame()["row_id"].to_list()
    content = b"".join(each.read_bytes() for each in store.place.glob("log.sqlite*"))
    assert b"C5000001" not in content


def test_rows_of_a_model_that_waits_are_forgotten_with_it(store: Store, beginner: Model):
    waiting = store.add(beginner, churn_table(300, seed=7), champion=False)
    told = store.forget(["C7000005"])
    assert (told.outcome, told.removed, told.version) == ("cleared", (waiting,), 1)


def test_a_stream_waits_as_the_candidate_and_can_take_over(store: Store):
    rows, test = churn_table(600, seed=1), churn_table(1500, seed=9)
    before, held = store.champion.predict(test), store.memory
    told = store.learn(rows, stream=True, seed=3)
    assert (told.outcome, told.version, told.candidate) == ("kept", 1, 2)
    assert "proves nothing" in told.why
    assert (store.memory.learn, store.memory.judge) == (held.learn, held.judge)
    assert store.champion.predict(test).equals(before)
    assert store.learn(rows, stream=True).outcome == "unchanged"
    with pytest.raises(UsageError, match="has no setting 'margin'"):
        store.learn(rows, stream=True, margin=0.1)
    assert store.rollback("candidate") == 2
    stream = lamina.Stream(store.model(1), seed=3)
    stream.run(rows)
    assert store.champion.predict(test).equals(stream.model.predict(test))
    assert store.forget(["C1000005"]).removed == (2,)  # its rows are known, though none is remembered


def test_rows_that_were_rolled_back_are_forgotten_as_well(store: Store):
    store.learn(month(1), **EASY)
    store.rollback()
    told = store.forget(["C1000005"])
    assert (told.outcome, told.removed, told.version) == ("cleared", (2,), 1)
    with pytest.raises(StoreError):
        available(store.opened.log, 2)


def test_what_is_to_be_forgotten_is_named_once(store: Store):
    with pytest.raises(UsageError, match="What is to be forgotten"):
        store.forget()
    with pytest.raises(UsageError, match="What is to be forgotten"):
        store.forget(["a"], rows=month(1))
    assert store.forget(["nobody"]).outcome == "nothing"
    assert store.history().height == 1


def test_without_rows_there_is_nothing_to_train_again_from(store: Store):
    store.set(mode="none")
    with pytest.raises(StoreError, match="the memory holds no others"):
        store.forget(["C0000001"])
    assert store.version == 1


# ---------------------------------------------------------------------------------------------- pictures


def test_pictures_are_remembered_by_what_is_in_them(tmp_path: Path):
    first = write_digits(tmp_path / "first", 200)
    store = lamina.Store(tmp_path / "store")
    store.add(lamina.fit(first, quality="fast", epochs=1))
    shutil.rmtree(first)  # the memory holds the files' bytes
    second = write_digits(tmp_path / "second", 60, start=200)
    assert store.learn(second).outcome in ("promoted", "kept")
    assert store.learn(second.rename(tmp_path / "elsewhere")).outcome == "unchanged"
    # other pictures under the same names are other data
    for path, other in zip(
        sorted((tmp_path / "elsewhere").rglob("*.png")),
        sorted(write_digits(tmp_path / "third", 60, start=260).rglob("*.png")),
        strict=False,
    ):
        shutil.copy(other, path)
    assert store.learn(tmp_path / "elsewhere").outcome != "unchanged"
    assert store.forget(rows=write_digits(tmp_path / "gone", 3, start=200)).rows == 3
