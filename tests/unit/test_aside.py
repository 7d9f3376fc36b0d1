import asyncio
import threading

import pytest

from exporter.aside import Aside, StillHangs


async def test_a_call_returns_or_raises_what_the_function_does() -> None:
    aside = Aside("/logs")
    assert await aside.call(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await aside.call(divmod, 7, 0)


async def test_while_one_call_hangs_no_other_is_made_and_then_they_go_on() -> None:
    aside, gate = Aside("/logs"), threading.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await aside.call(gate.wait)
    before = threading.active_count()
    with pytest.raises(StillHangs, match="/logs: does not answer"):
        await aside.call(len, "")
    assert threading.active_count() == before
    gate.set()
    async with asyncio.timeout(10):
        while True:
            try:
                assert await aside.call(len, "abc") == 3
            except StillHangs:
                await asyncio.sleep(0.01)
            else:
                return
