"""Requests that arrived together are answered together; nobody waits for more to come.

While the event loop reads what the sockets hold, pieces of work gather; the flush that the first of them has
scheduled takes them all. So one client alone loses nothing, and many share the cost of a call. How many rows
are taken at once follows from what calls have cost: none should hold the loop longer than ``TARGET``. A call
costs something whatever it holds, so few rows that are dear say nothing of many: the number shrinks when a
call took too long, and grows when one that was half full took less than half the time.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from lamina.serve.problems import Problem

TARGET: Final = 0.005  # seconds that a flush may take, about
FIRST: Final = 64  # rows taken at once before anything is known of their cost
GROWTH: Final = 1.5
MOST: Final = 8192

P = TypeVar("P")
A = TypeVar("A")


class _Job(NamedTuple, Generic[P, A]):
    piece: P
    rows: int
    answer: asyncio.Future[A]


class Batcher(Generic[P, A]):
    """Gathers pieces of work and has ``answer`` do several at once.

    ``rows_of`` counts the rows of a piece. At most ``most_waiting`` rows wait; what comes beyond is refused
    (503) with the time after which it may be tried again. Large requests come in pieces, ``ask_all``: one
    piece of one of them goes along with each flush, so that small requests pass them.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[P]], Sequence[A]],
        rows_of: Callable[[P], int],
        *,
        most_waiting: int = 100_000,
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self.answer = answer
        self.rows_of = rows_of
        self.most_waiting = most_waiting
        self.clock = clock
        self.small: deque[_Job[P, A]] = deque()
        self.large: deque[deque[_Job[P, A]]] = deque()
        self.waiting = 0
        self.scheduled = False
        self.seconds_per_row = TARGET / FIRST
        self.at_once = FIRST  # rows that a flush takes, by what calls have cost lately

    def ask(self, piece: P) -> asyncio.Future[A]:
        """The answer for a piece of few rows. Raises Problem 503 where too many rows wait."""
        job = self._job(piece)
        self.small.append(job)
        self._schedule()
        return job.answer

    async def ask_all(self, pieces: Sequence[P]) -> list[A]:
        """The answers for the pieces of one large request, in order."""
        jobs = deque[_Job[P, A]]()
        for piece in pieces:
            jobs.append(self._job(piece))
        answers = [job.answer for job in jobs]
        if jobs:
            self.large.append(jobs)
            self._schedule()
        try:
            return list(await asyncio.gather(*answers))
        except asyncio.CancelledError:  # whoever asked has gone: what has not begun need not be done
            self.waiting -= sum(job.rows for job in jobs)
            jobs.clear()
            raise

    def _job(self, piece: P) -> _Job[P, A]:
        rows = self.rows_of(piece)
        if self.waiting and self.waiting + rows > self.most_waiting:
            raise Problem(
                503,
                f"{self.waiting:,} rows are waiting to be answered.",
                "Try again later, or send less at once.",
                retry_after=self.waiting * self.seconds_per_row,
            )
        self.waiting += rows
        return _Job(piece, rows, asyncio.get_running_loop().create_future())

    def _schedule(self) -> None:
        if not self.scheduled:
            self.scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        """One call for all that is there, or for as much as may be done at once."""
        self.scheduled = False
        jobs = self._taken()
        if jobs:
            self.waiting -= sum(job.rows for job in jobs)
            self._do([job for job in jobs if not job.answer.cancelled()])
        if self.small or self.large:
            self._schedule()

    def _taken(self) -> list[_Job[P, A]]:
        jobs: list[_Job[P, A]] = []
        rows, most = 0, self.at_once
        while self.small and (not jobs or rows + self.small[0].rows <= most):
            jobs.append(self.small.popleft())
            rows += jobs[-1].rows
        while self.large and not self.large[0]:
            self.large.popleft()
        if self.large:
            jobs.append(self.large[0].popleft())
            self.large.rotate(-1)  # the next flush serves another large request
        return jobs

    def _do(self, jobs: Sequence[_Job[P, A]]) -> None:
        if not jobs:
            return
        began = self.clock()
        try:
            answers = self.answer([job.piece for job in jobs])
        except Exception as error:
            self._one_by_one(jobs, error)
            return
        self._learn(self.clock() - began, max(1, sum(job.rows for job in jobs)))
        for job, answer in zip(jobs, answers, strict=True):
            job.answer.set_result(answer)

    def _learn(self, took: float, rows: int) -> None:
        """What a call of so many rows has cost."""
        self.seconds_per_row += 0.1 * (took / rows - self.seconds_per_row)
        if took > TARGET:
            self.at_once = max(1, min(self.at_once, int(rows * TARGET / took)))
        elif took < TARGET / 2 and rows >= self.at_once / 2:
            self.at_once = min(MOST, int(self.at_once * GROWTH) + 1)

    def _one_by_one(self, jobs: Sequence[_Job[P, A]], error: Exception) -> None:
        """What failed together is tried alone: one bad piece must not fail the others."""
        if len(jobs) == 1:
            jobs[0].answer.set_exception(error)
            return
        for job in jobs:
            self._do([job])
