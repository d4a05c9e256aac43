"""A store: versions, aliases, history, rollback, the lock, what is refused; in SQLite and in PostgreSQL."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import lamina
from lamina.errors import BusyError, ModelFileError, StoreError, UsageError
from lamina.model import Model
from lamina.store.files import sweep
from lamina.store.hashes import Hashes, table_hash
from lamina.store.lock import Owner, changing
from lamina.store.log import Event
from lamina.stores import Store
from small_data import churn_table

Make = Callable[..., Store]


def two_versions(make: Make, model: Model, other: Model) -> Store:
    store = make(who="anna")
    assert store.add(model, note="the first") == 1
    assert store.add(other, note="the second") == 2
    return store


# ----------------------------------------------------------------------------------- add, look, roll back


def test_the_champion_is_the_model_that_was_added(new_store: Make, churn_model: Model, churn_folder: Path):
    store = new_store()
    store.add(churn_model)
    again = new_store()  # another process would see the same
    assert again.version == 1
    assert again.predict(churn_folder / "new.csv").equals(churn_model.predict(churn_folder / "new.csv"))
    assert (store.place / "versions" / "0001.lamina").is_file()


def test_history_says_who_when_what_and_why(new_store: Make, churn_model: Model, charge_model: Model):
    store = two_versions(new_store, churn_model, charge_model)
    store.rollback(note="too dear")
    told = store.history()
    assert told["outcome"].to_list() == ["added", "added", "rolled back"]
    assert told["champion"].to_list() == [1, 2, 1]
    assert told["who"].to_list() == ["anna"] * 3
    assert told["note"].to_list() == ["the first", "the second", "too dear"]
    assert told["why"][2] == "from version 2 to version 1"
    assert told["at"].is_sorted()


def test_rollback_goes_back_and_forth(new_store: Make, churn_model: Model, charge_model: Model):
    store = two_versions(new_store, churn_model, charge_model)
    assert store.rollback() == 1
    assert store.champion.schema == churn_model.schema
    with pytest.raises(UsageError, match="Version 1 is the first"):
        store.rollback()
    assert store.rollback(2) == 2
    assert store.rollback("1") == 1
    assert new_store().version == 1


def test_rollback_takes_well_under_a_second(new_store: Make, churn_model: Model, charge_model: Model):
    store = two_versions(new_store, churn_model, charge_model)
    began = time.perf_counter()
    store.rollback()
    assert time.perf_counter() - began < 0.5


def test_a_model_may_wait_before_it_takes_over(new_store: Make, churn_model: Model, charge_model: Model):
    store = new_store()
    store.add(churn_model)
    assert store.add(charge_model, champion=False) == 2
    assert store.version == 1
    assert store.model(2).schema == charge_model.schema
    assert store.rollback(2) == 2
    assert store.rollback() == 1


def test_a_reader_sees_a_promotion_at_once(new_store: Make, churn_model: Model, charge_model: Model):
    store, reader = new_store(), new_store()
    store.add(churn_model)
    assert reader.champion.schema == churn_model.schema
    store.add(charge_model)
    assert reader.champion.schema == charge_model.schema


def test_versions_that_are_not_there(new_store: Make, churn_model: Model):
    store = new_store()
    store.add(churn_model)
    with pytest.raises(UsageError, match=r"There is no version 7\.\n.*There are: 1"):
        store.model(7)
    for number in (0, -1, 10**30, -(10**30)):
        with pytest.raises(UsageError, match=f"There is no version {number}"):
            store.rollback(number)
    with pytest.raises(UsageError, match="No version is called 'best'"):
        store.model("best")
    with pytest.raises(UsageError, match="No version is called 'candidate'"):
        store.rollback("candidate")


# --------------------------------------------------------------------------------------------- the folder


def test_a_folder_that_is_no_store(tmp_path: Path, churn_model: Model):
    with pytest.raises(StoreError, match="is no store"):
        _ = lamina.Store(tmp_path / "nothing").version
    lamina.Store(tmp_path / "churn").add(churn_model)
    with pytest.raises(StoreError, match="Did you mean 'churn'"):
        _ = lamina.Store(tmp_path / "chrun").champion
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(StoreError, match=r"something else lies there: letter\.txt"):
        lamina.Store(tmp_path / "full").add(churn_model)


def test_a_full_disk_is_no_reason_to_bring_back_a_copy(
    tmp_path: Path, churn_model: Model, monkeypatch: pytest.MonkeyPatch
):
    store = lamina.Store(tmp_path / "churn")
    store.add(churn_model)
    (tmp_path / "churn" / "log.sqlite").write_bytes(b"what can be read of it no more" * 100)
    with pytest.raises(StoreError, match="Bring the folder back from a copy"):
        lamina.Store(tmp_path / "churn").history()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(StoreError, match="Its disk is full: make room"):
        lamina.Store(tmp_path / "churn").history()


def test_a_store_whose_making_was_interrupted_is_made_again(tmp_path: Path, churn_model: Model):
    place = tmp_path / "half"
    (place / "versions").mkdir(parents=True)
    (place / "log.sqlite").write_bytes(b"")
    assert lamina.Store(place).add(churn_model) == 1


def test_what_was_left_behind_is_swept(new_store: Make, churn_model: Model):
    store = new_store()
    store.add(churn_model)
    opened = store.opened
    known = sorted(each for each in store.place.rglob("*") if each.suffix in (".lamina", ".parquet"))
    for name in ("versions/0002.lamina", "versions/.0002.77.lamina", "memory/0009.parquet"):
        (store.place / name).write_bytes(b"half")
    sweep(opened.folder, opened.log)
    assert known == sorted(e for e in store.place.rglob("*") if e.suffix in (".lamina", ".parquet"))


def test_a_file_that_was_exchanged_is_refused(tmp_path: Path, churn_model: Model, charge_model: Model):
    store = lamina.Store(tmp_path / "store")
    store.add(churn_model)
    path = charge_model.save(tmp_path / "other.lamina")
    (store.place / "versions" / "0001.lamina").write_bytes(path.read_bytes())
    with pytest.raises(StoreError, match="is not the file that the log knows as version 1"):
        _ = store.champion
    (store.place / "versions" / "0001.lamina").unlink()
    with pytest.raises(StoreError, match="file of version 1 is gone"):
        _ = lamina.Store(store.place).champion


def test_newer_and_foreign_stores_are_refused(tmp_path: Path, churn_model: Model):
    store = lamina.Store(tmp_path / "store")
    store.add(churn_model)
    about = json.loads((store.place / "store.json").read_text())
    (store.place / "store.json").write_text(json.dumps({**about, "format": 99}))
    with pytest.raises(StoreError, match="has format 99"):
        _ = lamina.Store(store.place).version
    (store.place / "store.json").write_text(json.dumps({**about, "id": "0" * 16}))
    with pytest.raises(StoreError, match="belongs to another store"):
        _ = lamina.Store(store.place).version
    (store.place / "store.json").write_text("{")
    with pytest.raises(StoreError, match="cannot be read"):
        _ = lamina.Store(store.place).version
    (store.place / "store.json").write_text(json.dumps(about))
    (store.place / "log.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match="cannot be read"):
        _ = lamina.Store(store.place).version


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("mysql://a/b", "is no address of a log"),
        ("postgresql://me:secret@host/db", "holds a password"),
        ("postgresql://host/db?password=secret", "holds a password"),
    ],
)
def test_addresses_that_cannot_be(tmp_path: Path, churn_model: Model, log: str, said: str):
    with pytest.raises(UsageError, match=said):
        lamina.Store(tmp_path / "store", log=log).add(churn_model)
    assert not (tmp_path / "store" / "store.json").exists()


def test_a_server_that_is_not_there(tmp_path: Path, churn_model: Model):
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError, match="The log in postgresql://"):
        lamina.Store(tmp_path / "s", log=f"postgresql://x@/x?host={tmp_path}").add(churn_model)


def test_the_log_stays_where_it_is(tmp_path: Path, churn_model: Model):
    store = lamina.Store(tmp_path / "store")
    store.add(churn_model)
    with pytest.raises(UsageError, match="has its log in the folder"):
        _ = lamina.Store(store.place, log="postgresql://a/b").version


def test_two_stores_share_a_server(new_store: Make, churn_model: Model, charge_model: Model):
    one, two = new_store("one"), new_store("two")
    one.add(churn_model)
    two.add(charge_model)
    two.add(charge_model)
    assert (one.version, two.version) == (1, 2)
    assert (one.history().height, two.history().height) == (1, 2)


def test_the_tables_on_a_server_are_those_in_a_file(postgres_url: str, tmp_path: Path, churn_model: Model):
    import psycopg

    here, there = lamina.Store(tmp_path / "a"), lamina.Store(tmp_path / "b", log=postgres_url)
    here.add(churn_model)
    there.add(churn_model)
    with sqlite3.connect(here.place / "log.sqlite") as file:
        names = [row[0] for row in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        own = {name: [row[1] for row in file.execute(f"PRAGMA table_info({name})")] for name in names}
    file.close()
    namespace = f"lamina_{json.loads((there.place / 'store.json').read_text())['id']}"
    with psycopg.connect(postgres_url) as server:
        rows = server.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s "
            "ORDER BY table_name, ordinal_position",
            (namespace,),
        ).fetchall()
    theirs: dict[str, list[str]] = {}
    for table, column in rows:
        theirs.setdefault(table, []).append(column)
    assert own == theirs


def test_a_lost_connection_is_made_again(postgres_url: str, tmp_path: Path, churn_model: Model):
    import psycopg

    store = lamina.Store(tmp_path / "store", log=postgres_url)
    store.add(churn_model)
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert store.version == 1
    assert store.history().height == 1


# ------------------------------------------------------------------------------------------------ the lock


def held(place: str, ready: str) -> None:
    with changing(Path(place), "berta@elsewhere", "learning june.csv"):
        Path(ready).touch()
        time.sleep(60)


def test_one_changes_the_store_at_a_time(tmp_path: Path, churn_model: Model):
    store, ready = lamina.Store(tmp_path / "store"), tmp_path / "ready"
    store.add(churn_model)
    process = multiprocessing.get_context("spawn").Process(target=held, args=(str(store.place), str(ready)))
    process.start()
    try:
        while not ready.exists():
            time.sleep(0.02)
        with pytest.raises(
            BusyError, match=r"changed by berta@elsewhere \(process \d+\): learning june"
        ) as e:
            store.add(churn_model)
        assert "its lock goes with it" in e.value.remedy
        assert isinstance(e.value.facts["owner"], Owner)
        assert store.version == 1  # reading goes on
    finally:
        process.kill()  # as kill -9
        process.join()
    assert store.add(churn_model) == 2  # the lock went with it


def test_a_rollback_wins_against_a_candidate_that_learns_meanwhile(
    new_store: Make, churn_model: Model, charge_model: Model
):
    store = two_versions(new_store, churn_model, charge_model)
    log = store.opened.log
    head = log.head()
    assert head is not None
    store.rollback()
    late = Event(outcome="promoted", who="me", version=2, parent=head.id)
    written = log.record(late, moves=True, head=head)
    assert written.outcome == "moved meanwhile"
    assert store.version == 1
    assert store.history()["outcome"].to_list()[-1] == "moved meanwhile"


def test_what_fails_in_a_transaction_leaves_nothing(new_store: Make, churn_model: Model):
    store = new_store()
    store.add(churn_model)
    database = store.opened.log.database

    def half() -> None:
        with database.transaction() as session:
            session.run("DELETE FROM aliases")
            session.run("SELECT nothing FROM nowhere")

    with pytest.raises(StoreError, match="nothing was changed"):
        half()
    assert store.version == 1


def test_a_forked_process_uses_a_connection_of_its_own(new_store: Make, churn_model: Model):
    store = new_store()
    store.add(churn_model)
    database = store.opened.log.database
    before, held = database._own(), database._local.held
    database._local.held.process = os.getpid() + 1  # as a child would find it
    assert database._own() is not before
    assert store.version == 1
    held.process = os.getpid()  # so that it is closed


# --------------------------------------------------------------------------------------------- hashes


def test_a_table_has_one_hash_from_any_file(tmp_path: Path):
    from lamina.data.read import read

    rows = churn_table(50).with_columns(pl.Series("tags", [["a", "b"], None] * 25))
    rows.write_parquet(tmp_path / "a.parquet")
    rows.write_ipc(tmp_path / "a.arrow")
    one = table_hash(read(rows))
    assert table_hash(read(tmp_path / "a.parquet")) == one
    assert table_hash(read(tmp_path / "a.arrow")) == one
    changes = [
        rows.head(49), rows.reverse(), rows.rename({"city": "town"}),
        rows.with_columns(pl.col("charge") + 1e-9), rows.with_columns(pl.lit(None, pl.String).alias("city")),
        rows.with_columns(pl.Series("tags", [["a"], ["b"]] * 25)),
    ]  # fmt: skip
    hashes = {table_hash(read(each)) for each in changes}
    assert len(hashes) == len(changes)
    assert one not in hashes


def test_hashes_come_back_as_they_were():
    rows = ["00" * 12, "ab" * 11 + "00", "0f" * 12]
    found = Hashes.of(rows, ["anna", None, "carl"], "salt")
    again = Hashes.unpacked(found.packed())
    assert again.names() == rows
    assert (again.keys == found.keys).all()
    assert Hashes.unpacked(b"").names() == []


def test_a_hostile_model_file_does_not_get_in(tmp_path: Path):
    (tmp_path / "bad.lamina").write_bytes(b"PK\x03\x04 something")
    with pytest.raises(ModelFileError):
        lamina.Store(tmp_path / "store").add(tmp_path / "bad.lamina")
