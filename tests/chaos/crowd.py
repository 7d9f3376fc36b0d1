"""A thousand clients at once, silent or asking: Prometheus is answered all the time, and their places come back."""

import asyncio
import random
import resource
import socket
from contextlib import ExitStack
from pathlib import Path

from tests.soak.soak import Soak, soaking
from tests.soak.world import world

_WORDS = (b"", b"GET /metrics HT", b"\x16\x03\x01", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
_ASK = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def crowd(folder: Path, chance: random.Random, clients: int = 1000) -> str:
    """Connect so many that say little, then as many that all ask."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = clients + 256
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, wanted), hard), hard))
    with world(folder, postgresql=False) as one, soaking(one, chance, every=0.1) as soak:
        soak.begin([])
        _silent(soak, chance, clients)
        whole, refused = asyncio.run(_asking(soak.exporter.port, clients))
        soak.recovers("the crowd")
        soak.count()
    assert soak.judge.wrong == [], soak.judge.wrong
    assert whole
    return (
        f"{clients} silent clients, then {clients} that ask: {whole} answered whole, {refused} turned away; "
        f"{soak.judge.scrapes} scrapes beside them, slowest {soak.judge.slowest:.2f} s, none failed"
    )


def _silent(soak: Soak, chance: random.Random, clients: int) -> None:
    scrapes = soak.judge.scrapes
    with ExitStack() as stack:
        for _ in range(clients):
            client = stack.enter_context(
                socket.create_connection(("127.0.0.1", soak.exporter.port), timeout=30)
            )
            client.sendall(chance.choice(_WORDS))
        soak.exporter.until(lambda: soak.judge.scrapes >= scrapes + 20, "twenty scrapes beside the silent")


async def _asking(port: int, clients: int) -> tuple[int, int]:
    """Let all ask at once; an answer is whole or the connection was ended to make room, never both."""
    gate = asyncio.Semaphore(clients)
    answers = await asyncio.gather(*(_ask(port, gate) for _ in range(clients)))
    return sum(answers), clients - sum(answers)


async def _ask(port: int, gate: asyncio.Semaphore) -> bool:
    async with gate:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(_ASK)
            answer = await reader.read()
            writer.close()
        except ConnectionError:
            return False
    head, _, body = answer.partition(b"\r\n\r\n")
    length = next((line for line in head.split(b"\r\n") if line.startswith(b"Content-Length: ")), b": -1")
    return head.startswith(b"HTTP/1.1 200") and len(body) == int(length.split(b": ")[1])
