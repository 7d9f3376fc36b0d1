import asyncio
import time

import pytest

from exporter.turns import Turns


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("since_the_last_piece", "worked", "rest"),
    [
        (0.0, 0.002, 0.018),
        (0.019, 0.002, 0.018),
        (0.021, 0.002, 0.0),
        (0.0, 1.0, 0.02),
    ],
    ids=["an answer goes out", "it went out just now", "it is long gone", "one long step"],
)
def test_work_rests_longer_while_an_answer_goes_out(
    since_the_last_piece: float, worked: float, rest: float
) -> None:
    clock = Clock()
    turns = Turns(clock)
    turns.answering()
    clock.now += since_the_last_piece
    assert turns.rest_after(worked) == pytest.approx(rest)


def test_work_does_not_rest_where_nothing_was_ever_answered() -> None:
    assert Turns().rest_after(1.0) == 0.0


async def test_others_have_their_turn_once_a_slice_is_full() -> None:
    turned: list[int] = []
    work = Turns().work()
    asyncio.get_running_loop().call_soon(turned.append, 1)
    await work.pause()
    assert turned == []
    end = time.monotonic() + 0.002
    while time.monotonic() < end:
        pass
    await work.pause()
    assert turned == [1]
