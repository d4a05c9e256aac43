"""Micro-batching: what comes together is answered together, nobody waits or starves, nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.serve.batcher import Batcher
from lamina.serve.problems import Problem


class Doubling:
    """Doubles numbers, and remembers which it was given together."""

    def __init__(self) -> None:
        self.calls: list[list[list[int]]] = []

    def __call__(self, pieces: Sequence[list[int]]) -> list[list[int]]:
        self.calls.append(list(pieces))
        if any(-1 in piece for piece in pieces):
            raise ValueError("a bad piece")
        return [[2 * each for each in piece] for piece in pieces]


def test_what_comes_together_is_answered_together():
    work = Doubling()

    async def run() -> list[list[int]]:
        batcher = Batcher(work, len)
        return list(await asyncio.gather(*(batcher.ask([k]) for k in range(10))))

    assert asyncio.run(run()) == [[2 * k] for k in range(10)]
    assert work.calls == [[[k] for k in range(10)]]


def test_one_alone_does_not_wait():
    work = Doubling()

    async def run() -> None:
        batcher = Batcher(work, len)
        for k in range(3):
            assert await batcher.ask([k]) == [2 * k]

    asyncio.run(run())
    assert work.calls == [[[0]], [[1]], [[2]]]


def test_small_requests_pass_a_large_one():
    work = Doubling()

    async def run() -> None:
        batcher = Batcher(work, len)
        large = asyncio.ensure_future(batcher.ask_all([[k] * 50 for k in range(20)]))
        await asyncio.sleep(0)
        assert await batcher.ask([7]) == [14]
        assert not large.done()
        assert await large == [[2 * k] * 50 for k in range(20)]

    asyncio.run(run())


def test_large_requests_take_turns():
    work = Doubling()

    async def run() -> None:
        batcher = Batcher(work, len)
        await asyncio.gather(batcher.ask_all([[1]] * 3), batcher.ask_all([[2]] * 3))

    asyncio.run(run())
    assert [call[0][0] for call in work.calls] == [1, 2, 1, 2, 1, 2]


def test_one_bad_piece_fails_alone():
    async def run() -> list[object]:
        batcher = Batcher(Doubling(), len)
        asked = [batcher.ask([1]), batcher.ask([-1]), batcher.ask([3])]
        return list(await asyncio.gather(*asked, return_exceptions=True))

    first, second, third = asyncio.run(run())
    assert (first, third) == ([2], [6])
    assert isinstance(second, ValueError)


def test_beyond_what_may_wait_is_refused_with_a_time():
    async def run() -> None:
        batcher = Batcher(Doubling(), len, most_waiting=5)
        asked = batcher.ask([1] * 5)
        with pytest.raises(Problem) as caught:
            batcher.ask([2])
        assert (caught.value.status, caught.value.retry_after is not None) == (503, True)
        assert await asked == [2] * 5
        assert await batcher.ask([2]) == [4]

    asyncio.run(run())


def test_rows_at_once_follow_their_cost():
    seconds = iter([0.0, 0.05] * 200)  # ten rows take 50 ms

    async def run() -> int:
        batcher = Batcher(Doubling(), len, clock=lambda: next(seconds))
        for _ in range(100):
            await batcher.ask([1] * 10)
        return batcher.at_once

    assert asyncio.run(run()) == 1


@settings(max_examples=50, deadline=None)
@given(
    small=st.lists(st.lists(st.integers(0, 9), max_size=5), max_size=20),
    large=st.lists(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=9), max_size=6), max_size=4),
)
def test_everybody_gets_their_own(small: list[list[int]], large: list[list[list[int]]]):
    async def run() -> tuple[list[list[int]], list[list[list[int]]], int]:
        batcher = Batcher(Doubling(), len)
        waits = asyncio.gather(*(batcher.ask_all(pieces) for pieces in large))
        answers = list(await asyncio.gather(*map(batcher.ask, small)))
        return answers, list(await waits), batcher.waiting

    answers, many, waiting = asyncio.run(run())
    assert answers == [[2 * each for each in piece] for piece in small]
    assert many == [[[2 * each for each in piece] for piece in pieces] for pieces in large]
    assert waiting == 0
