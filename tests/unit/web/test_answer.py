"""How an answer is written, beside what the sockets of test_server.py show of it."""

import asyncio
from types import SimpleNamespace
from typing import cast

from aiohttp import web

from exporter.web.answer import CHUNKS_A_TURN, Answer


class Greedy:
    """The transport of a client that takes all at once, so that nothing ever has to be waited for."""

    def __init__(self) -> None:
        self.written = bytearray()

    def write(self, piece: bytes) -> None:
        self.written += piece

    def is_closing(self) -> bool:
        return False


async def test_others_have_turns_while_a_greedy_client_takes_a_big_answer() -> None:
    pieces = [bytes([number]) * 256 * 1024 for number in range(41)]
    wire = Greedy()
    request = SimpleNamespace(
        method="GET",
        version=(1, 1),
        keep_alive=True,
        transport=wire,
        protocol=SimpleNamespace(writing_paused=False),
    )
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await Answer(200, "", pieces, sum(map(len, pieces))).prepare(cast("web.BaseRequest", request))
    task.cancel()
    assert turns >= len(pieces) // CHUNKS_A_TURN
    assert wire.written.endswith(b"".join(pieces))
