"""kill -9 at every step of learning and forgetting, and at random moments: the champion goes on answering,
the log is consistent, the next call succeeds. And readers who look on while others change the store."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import lamina
from lamina.model import Model
from lamina.stores import Store
from small_data import EASY, churn_table

Make = Callable[..., Store]

# Children are forked from a process that has imported everything and computed nothing: quick, and no threads
FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(
    ["lamina.stores", "lamina.learning.stored", "lamina.learning.forget", "small_data"]
)
WRITING = ("open", "os.rename", "os.remove", "os.mkdir")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def database(request: pytest.FixtureRequest) -> str:
    """What a log says is tested in both databases beside the store; learning is slow."""
    return str(request.param)


def rows(number: int, count: int = 1000) -> pl.DataFrame:
    return churn_table(count, seed=number)


def learn(place: str) -> None:
    lamina.Store(place).learn(rows(1), **EASY)


def forget(place: str) -> None:
    lamina.Store(place).forget(["C0000004"])


def killed_at(step: int, told: Any, change: Callable[[str], None], place: str) -> None:
    """Makes the change and ends this process as kill -9 would, before its file or database operation
    ``step``;
    ``told`` is how many there were."""
    from lamina.store.database import Session

    def one_more() -> None:
        told.value += 1
        if told.value == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_file(event: str, arguments: tuple[Any, ...]) -> None:
        if event in WRITING and place in str(arguments[0]):
            reads = event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR)
            if not reads:
                one_more()

    run = Session.run

    def counted(self: Session, statement: str, values: Any = ()) -> Any:
        if not statement.startswith("SELECT"):
            one_more()
        return run(self, statement, values)

    Session.run = counted  # type: ignore[method-assign]
    sys.addaudithook(on_file)
    change(place)


def killed_after(seconds: float, place: str) -> None:
    signal.setitimer(signal.ITIMER_REAL, seconds)  # its signal ends the process; no handler, no clean-up
    learn(place)


def child(target: Callable[..., None], *arguments: Any) -> int:
    process = FORKED.Process(target=target, args=arguments)
    process.start()
    process.join(120)
    assert process.exitcode is not None
    return process.exitcode


def consistent(store: Store) -> None:
    """The champion answers; everything the log speaks of is there; every event rests on one that is."""
    assert store.predict(rows(8, 20)).height == 20
    log = store.opened.log
    events = log.events()
    known = {each.id for each in events}
    assert all(each.parent is None or each.parent in known for each in events)
    head = log.head()
    assert head is not None
    assert head.version in [each.number for each in log.versions() if each.removed is None]
    for version in log.versions():
        assert version.removed is not None or store.model(version.number) is not None
    assert store.memory.learn > 0


def swept(store: Store) -> None:
    """Nothing is left of what was interrupted."""
    there = {f"{each.number:04d}.lamina" for each in store.opened.log.versions() if each.removed is None}
    assert {each.name for each in (store.place / "versions").iterdir()} == there
    assert len([*(store.place / "memory").iterdir()]) == 1
    assert not (store.place / "owner.json").exists()


def test_killed_at_every_step_of_learning(new_store: Make, beginner: Model):
    at_every_step(new_store, beginner, learn)


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_killed_at_every_step_of_forgetting(new_store: Make, beginner: Model):
    at_every_step(new_store, beginner, forget)


def at_every_step(new_store: Make, beginner: Model, change: Callable[[str], None]) -> None:
    told = FORKED.Value("i", 0)
    whole = new_store("whole")
    whole.add(beginner, churn_table(800, seed=0), id="customer")
    assert child(killed_at, 0, told, change, str(whole.place)) == 0
    steps = told.value
    assert steps > 12
    after = whole.version
    for step in range(1, steps + 1):
        store = new_store(f"step-{step}")
        store.add(beginner, churn_table(800, seed=0), id="customer")
        told.value = 0
        assert child(killed_at, step, told, change, str(store.place)) == -signal.SIGKILL
        consistent(store)
        assert store.version in (1, after)
        change(str(store.place))
        assert store.version == after
        consistent(store)
        swept(store)


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_killed_at_fifty_random_moments(new_store: Make, beginner: Model):
    rng = random.Random(0)
    base = new_store("timed")
    base.add(beginner)
    began = time.monotonic()
    assert child(learn, str(base.place)) == 0
    whole = time.monotonic() - began
    after, outcome = base.version, base.history()["outcome"][-1]
    killed = 0
    for moment in range(50):
        store = new_store(f"moment-{moment}")
        store.add(beginner)
        code = child(killed_after, rng.uniform(0.01, whole), str(store.place))
        killed += code == -signal.SIGALRM
        consistent(store)
        assert store.learn(rows(1), **EASY).outcome in (outcome, "unchanged")
        assert store.version == after
        consistent(store)
        swept(store)
    assert killed > 25


def read_on(place: str, until: str, told: Any) -> None:
    """Answers again and again while others change the store; every answer is one version's, whole."""
    store, asked = lamina.Store(place), rows(8, 20)
    while not Path(until).exists():
        assert store.predict(asked).height == 20
        store.history()
        told.value += 1


def test_readers_go_on_while_one_learns(new_store: Make, beginner: Model, tmp_path: Path):
    store, until = new_store(), tmp_path / "done"
    store.add(beginner, churn_table(800, seed=0), id="customer")
    counts = [FORKED.Value("i", 0) for _ in range(2)]
    readers = [FORKED.Process(target=read_on, args=(str(store.place), str(until), each)) for each in counts]
    for each in readers:
        each.start()
    while not all(each.value for each in counts):  # both have begun
        time.sleep(0.05)
    before = [each.value for each in counts]
    for number in (1, 2):
        store.learn(rows(number), **EASY)
    store.rollback()
    store.forget(["C1000003"])  # deletes the file of a version that readers may hold
    until.touch()
    for each in readers:
        each.join(60)
    assert [each.exitcode for each in readers] == [0, 0]
    assert all(now.value > then for now, then in zip(counts, before, strict=True))
