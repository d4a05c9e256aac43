"""A store in service: its champion answers, what it answered is logged, and it goes on learning."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import polars as pl
from starlette.concurrency import run_in_threadpool

from lamina.data.table import Table
from lamina.decisions.of_model import Made
from lamina.errors import MissingExtraError, NoGraphError, StoreError
from lamina.serve import bodies
from lamina.serve.behind import Behind, behind
from lamina.serve.limits import Limits
from lamina.serve.problems import Problem
from lamina.serve.served import Answers, Served
from lamina.serve.shares import place_of
from lamina.store.logged import remember, remember_decisions
from lamina.stores import Store

log = logging.getLogger("lamina.serve")

EVERY: Final = 0.5  # seconds between two looks at which version is the champion, and two writings of the log
MOST_UNLOGGED: Final = 200_000  # rows that wait to be logged; beyond it requests are refused
MOST_TOGETHER: Final = 20_000  # rows that are logged in one call
MOST_JOBS: Final = 100  # finished lessons that are remembered


class Answered(NamedTuple):
    """What is to be logged of answers to one request: the rows as they came, the answers, their ids; who
    asked whom."""

    rows: pl.DataFrame | Sequence[bodies.Row]
    answers: Sequence[Answers]
    ids: list[str]
    served: Served
    who: str
    limits: Limits

    def with_rows_of(self, other: Answered) -> bool:
        """Whether the two can be logged in one call."""
        if self.served is not other.served or self.who != other.who:
            return False
        if isinstance(self.rows, pl.DataFrame) and isinstance(other.rows, pl.DataFrame):
            return self.rows.schema == other.rows.schema
        return not isinstance(self.rows, pl.DataFrame) and not isinstance(other.rows, pl.DataFrame)


class Decided(NamedTuple):
    """The same of decisions."""

    rows: pl.DataFrame
    made: Made
    ids: list[str]
    served: Served
    who: str


class Logging(NamedTuple):
    """What is kept in the log: answers for a ``share`` of the rows, the same ones whenever they come, by
    their ids; with each these ``columns`` of the row."""

    share: float = 1.0
    columns: tuple[str, ...] = ()

    def kept(self, ids: Sequence[str]) -> list[int]:
        """The places of those that are kept."""
        if self.share >= 1.0:
            return list(range(len(ids)))
        return [place for place, each in enumerate(ids) if place_of(each, "log") < self.share]


class Job(msgspec.Struct):
    """One lesson: ``state`` is learning, then its outcome or failed; ``report`` what it told."""

    id: str
    state: str = "learning"
    report: Any = None


class Living:
    """One store. ``logs``: what is kept in its log of the answers, in batches that no answer waits for."""

    def __init__(self, name: str, store: Store, *, logs: Logging | None) -> None:
        self.name = name
        self.store = store
        self.logs = logs
        self.unlogged: deque[Answered | Decided] = deque()
        self.writing = threading.Lock()
        self.waiting = 0
        self.alone = 0  # so many requests in line are logged one by one
        self.behind: Behind | None = None
        self.jobs: dict[str, Job] = {}
        self.learning: asyncio.Task[None] | None = None

    def champion(self) -> Served:
        """The version in use, loaded."""
        version = self.store.version
        return Served(self.name, self.store.model(version), str(version))

    def newer(self, than: Served) -> Served | None:
        """The champion, where it is another version than this one. Where it cannot be loaded here, ``behind``
        says so; a version is never written again, so it is not tried twice."""
        version = str(self.store.version)
        if version == than.version:
            self.behind = None
            return None
        if self.behind is not None and self.behind.champion == version:
            return None
        try:
            found = self.champion()
        except (NoGraphError, MissingExtraError) as error:
            self.behind = behind(self.name, version, than.version, error, self.store.place)
            log.error(
                "%s: version %s goes on answering, %s should. %s %s",
                self.name, than.version, version, self.behind.problem, self.behind.remedy,
            )  # fmt: skip
            return None
        self.behind = None
        return found

    # ------------------------------------------------------------------------------------ the log

    def remember(self, told: Answered | Decided) -> None:
        """Puts answers in line to be logged. Raises Problem 503 where the log cannot keep up."""
        if self.waiting > MOST_UNLOGGED:
            raise Problem(503, "The log cannot keep up.", "Try again later.", retry_after=2)
        self.waiting += len(told.ids)
        self.unlogged.append(told)

    def write(self) -> None:
        """Logs whatever is in line, one call for requests of the same version, columns and caller.

        Raises StoreError where the log cannot be reached; what waits goes on waiting then."""
        with self.writing:
            while self.unlogged:
                first, alone = self.unlogged.popleft(), self.alone > 0
                self.alone = max(0, self.alone - 1)
                if alone or isinstance(first, Decided):
                    self._write([first])
                else:
                    self._write(self._together(first))

    def _write(self, together: Sequence[Answered | Decided]) -> None:
        """Requests in one call; where that fails each alone, so that what is wrong with one costs the others
        nothing."""
        try:
            if isinstance(together[0], Decided):
                self._write_decided(together[0])
            else:
                self._write_answered([each for each in together if isinstance(each, Answered)])
        except (StoreError, OSError):
            self.unlogged.extendleft(reversed(together))
            raise
        except Exception:
            if len(together) > 1:
                self.unlogged.extendleft(reversed(together))
                self.alone = len(together)
                return
            log.exception("%s: answers to %s rows could not be logged", self.name, len(together[0].ids))
        self.waiting -= sum(len(each.ids) for each in together)

    def _together(self, first: Answered) -> list[Answered]:
        """It, and what follows and can be logged with it."""
        together, rows = [first], len(first.ids)
        while self.unlogged and rows < MOST_TOGETHER:
            following = self.unlogged[0]
            if not isinstance(following, Answered) or not following.with_rows_of(first):
                break
            together.append(following)
            rows += len(following.ids)
            self.unlogged.popleft()
        return together

    def _write_answered(self, together: Sequence[Answered]) -> None:
        first = together[0]
        rows, answers = _rows(together), pl.concat([each.frame() for one in together for each in one.answers])
        ids = [each for one in together for each in one.ids]
        logs = self.logs or Logging()
        kept = logs.kept(ids)
        if kept:
            remember(
                self.store.opened, first.served.model.fitted, int(first.served.version),
                Table(rows[kept], f"HTTP: {first.who}"), answers[kept], [ids[place] for place in kept],
                first.who, columns=logs.columns,
            )  # fmt: skip

    def _write_decided(self, told: Decided) -> None:
        logs = self.logs or Logging()
        kept = logs.kept(told.ids)
        if kept:
            remember_decisions(
                self.store.opened, told.served.model.fitted, int(told.served.version),
                Table(told.rows[kept], f"HTTP: {told.who}"), told.made.at(np.array(kept)),
                [told.ids[place] for place in kept], told.who, columns=logs.columns,
            )  # fmt: skip

    # ----------------------------------------------------------------------------------- learning

    def learn(self, frame: pl.DataFrame) -> Job:
        """Begins a lesson in a process of its own. Raises Problem 409 where one is under way."""
        if self.learning is not None and not self.learning.done():
            raise Problem(
                409, "The store is learning already.", "Ask again when it has ended.", retry_after=10
            )
        job = Job(os.urandom(8).hex())
        self.jobs[job.id] = job
        for old in list(self.jobs)[:-MOST_JOBS]:
            del self.jobs[old]
        self.learning = asyncio.create_task(self._lesson(job, frame))
        return job

    async def _lesson(self, job: Job, frame: pl.DataFrame) -> None:
        handle, name = tempfile.mkstemp(suffix=".parquet", prefix="lamina-lesson-")
        os.close(handle)
        rows = Path(name)
        process = None
        try:
            await run_in_threadpool(frame.write_parquet, rows)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-W", "ignore", "-m", "lamina.cli.main", "learn", str(self.store.place), name,
                "--json", "--note", "over HTTP",
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            told, said = await process.communicate()
            job.report, job.state = _outcome(told, said)
        except Exception as error:
            job.state, job.report = "failed", {"problem": str(error)}
            log.exception("a lesson failed")
        finally:
            if process is not None and process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            rows.unlink(missing_ok=True)

    def job(self, name: str) -> Job:
        """A lesson by its id. Raises Problem 404."""
        if name not in self.jobs:
            raise Problem(404, f"There is no lesson {name[:40]!r}.", "Its id is what POST …/learn answered.")
        return self.jobs[name]


def _rows(together: Sequence[Answered]) -> pl.DataFrame:
    """The rows of several requests one under the other."""
    first = together[0]
    if isinstance(first.rows, pl.DataFrame):
        return pl.concat([each.rows for each in together if isinstance(each.rows, pl.DataFrame)])
    rows = [row for each in together if not isinstance(each.rows, pl.DataFrame) for row in each.rows]
    return bodies.frame_of_rows(rows, first.served.schema, first.limits)


def _outcome(told: bytes, said: bytes) -> tuple[Any, str]:
    """The report of the command, and what came of it."""
    try:
        report = msgspec.json.decode(told)
    except msgspec.DecodeError:
        return {"problem": said.decode(errors="replace")[-2000:]}, "failed"
    if not isinstance(report, dict) or "error" in report:
        return report, "failed"
    return report, str(report.get("outcome") or report.get("verdict", {}).get("outcome", "done"))


def refuse_unless_living(living: Living | None) -> Living:
    """Raises Problem 409 for what only a store can do."""
    if living is None:
        raise Problem(
            409,
            "This model is a file: it keeps no log and learns nothing.",
            "Serve a store: lamina add STORE MODEL, then lamina serve STORE.",
        )
    return living
