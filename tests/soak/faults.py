"""What befalls the exporter's world: each is done, lasts a while, and is undone."""

import os
import random
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

from tests.process.running import Running
from tests.soak.world import STANZA, World
from tests.standin import PROGRAM
from tests.unit.patroni.answering import HALF

Fault = Callable[[World, Running, random.Random], Iterator[None]]
"""Does it, and undoes it when it is asked to go on."""

_NO_FILE = b"ERROR: [055]: unable to open missing file '/srv/backup.info' for read\n"


def _behaves(behaviour: str, world: World, _: Running, __: random.Random) -> Iterator[None]:
    world.host.standin.behaves(behaviour, stderr=_NO_FILE)
    yield
    world.host.standin.behaves("")


def _program(script: bytes, mode: int, world: World, _: Running, __: random.Random) -> Iterator[None]:
    world.host.installs(script, mode)
    yield
    world.host.installs(PROGRAM.read_bytes())


def _no_program(world: World, _: Running, __: random.Random) -> Iterator[None]:
    world.host.program.unlink()
    yield
    world.host.installs(PROGRAM.read_bytes())


def _dead_repository(world: World, _: Running, __: random.Random) -> Iterator[None]:
    dead = world.host.standin.folder / "dead.1"
    dead.touch()
    yield
    dead.unlink()


def _patroni(answer: bytes | int | None, world: World, _: Running, __: random.Random) -> Iterator[None]:
    before = world.neighbours.member.answers
    world.neighbours.member.answers = {} if answer is None else dict.fromkeys(before, answer)
    yield
    world.neighbours.member.answers = before


def _silent_postgresql(world: World, _: Running, __: random.Random) -> Iterator[None]:
    if (relay := world.neighbours.relay) is not None:
        relay.fall_silent()
        yield
        world.neighbours.call(relay.speak)
    else:
        yield


def _dead_postgresql(world: World, _: Running, __: random.Random) -> Iterator[None]:
    if world.server is not None:
        world.server.stop()
        world.server_runs = False
        yield
        world.server.start()
        world.server_runs = True
    else:
        yield


def _reloads(world: World, exporter: Running, chance: random.Random) -> Iterator[None]:
    """Settings that change, bad ones among them, time and again."""
    for _ in range(chance.randrange(1, 20)):
        if chance.random() < 0.5:
            world.host.writes("settings.yml", "info: {evry: 5s}\n")
        else:
            world.settle()
        exporter.gets(signal.SIGHUP)
    yield
    world.settle()
    exporter.gets(signal.SIGHUP)


def _conf_changes(world: World, _: Running, __: random.Random) -> Iterator[None]:
    conf = world.host.folder / "pgbackrest.conf"
    before = conf.read_text()
    world.host.writes("pgbackrest.conf", before.replace("[global]", "[global"))
    yield
    world.host.writes("pgbackrest.conf", before)


def _log_is_rotated(world: World, _: Running, __: random.Random) -> Iterator[None]:
    log = world.logs / f"{STANZA}-backup.log"
    log.rename(log.with_suffix(".log.1"))
    yield
    log.touch()


def _logs_are_gone(world: World, _: Running, __: random.Random) -> Iterator[None]:
    away = world.logs.with_name("logs.away")
    world.logs.rename(away)
    yield
    away.rename(world.logs)


def _state_is_gone(world: World, _: Running, __: random.Random) -> Iterator[None]:
    state = world.host.folder / "state"
    state.rename(state.with_name("state.away"))
    yield
    state.with_name("state.away").rename(state)


def _idle_clients(world: World, exporter: Running, chance: random.Random) -> Iterator[None]:
    """Connections that ask nothing, half a question, nonsense, or do not read the answer."""
    del world
    words = (
        b"",
        b"GET /metrics HT",
        b"\x16\x03\x01\x02\x00\x01",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 20,
    )
    with ExitStack() as stack:
        for _ in range(chance.randrange(1, 100)):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", exporter.port), timeout=10))
            client.setblocking(False)
            client.send(chance.choice(words))
        yield


def _stopped(_: World, exporter: Running, __: random.Random) -> Iterator[None]:
    """The machine gives it no time for a while: scrapes wait, and then are answered."""
    exporter.gets(signal.SIGSTOP)
    os.waitid(os.P_PID, exporter.pid, os.WSTOPPED | os.WNOWAIT)
    yield
    exporter.gets(signal.SIGCONT)


FAULTS: Mapping[str, Fault] = {
    **{
        f"pgbackrest: {behaviour}": partial(_behaves, behaviour)
        for behaviour in (
            "hang", "hang-ignoring-term", "slow 1", "slow 60", "exit 55", "crash", "silent", "garbage", "flood", "half"
        )
    },
    "pgbackrest: missing": _no_program,
    "pgbackrest: may not be executed": partial(_program, PROGRAM.read_bytes(), 0o644),
    "pgbackrest: is killed": partial(_program, b"#!/bin/sh\nkill -KILL $$\n", 0o755),
    "repository: dead": _dead_repository,
    "patroni: breaks off": partial(_patroni, None),
    "patroni: 503": partial(_patroni, 503),
    "patroni: garbage": partial(_patroni, b"<html>"),
    "patroni: half": partial(_patroni, HALF),
    "postgresql: silent": _silent_postgresql,
    "postgresql: dead": _dead_postgresql,
    "settings: reloads": _reloads,
    "pgbackrest.conf: broken": _conf_changes,
    "logs: rotated": _log_is_rotated,
    "logs: gone": _logs_are_gone,
    "state: gone": _state_is_gone,
    "clients: idle": _idle_clients,
    "machine: no time": _stopped,
}  # fmt: skip


@contextmanager
def befalls(name: str, world: World, exporter: Running, chance: random.Random) -> Iterator[None]:
    """Let it last while the block runs."""
    course = iter(FAULTS[name](world, exporter, chance))
    next(course)
    try:
        yield
    finally:
        next(course, None)
