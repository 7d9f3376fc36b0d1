"""Passwords are checked off the event loop, once, in the same time for known and unknown users."""

import asyncio
import threading
import time
from base64 import b64encode

import bcrypt
import pytest

from exporter.web.users import BusyError, Users, cost, credentials
from tests.unit.web.served import hashed


class Checks:
    """bcrypt, counting; *go* lets a check end."""

    def __init__(self) -> None:
        self.hashes: list[bytes] = []
        self.threads: set[int] = set()
        self.go = threading.Event()
        self.go.set()

    def __call__(self, password: bytes, hashed: bytes) -> bool:
        self.threads.add(threading.get_ident())
        self.hashes.append(hashed)
        assert self.go.wait(10)
        return bcrypt.checkpw(password, hashed)


def users(checks: Checks, **passwords: str) -> Users:
    return Users({user: hashed(password).encode() for user, password in passwords.items()}, matches=checks)


async def test_a_right_password_is_checked_once() -> None:
    checks = Checks()
    known = users(checks, alice="right")
    assert [await known.admit(b"alice", b"right") for _ in range(3)] == [True] * 3
    assert len(checks.hashes) == 1


async def test_a_wrong_password_is_checked_once() -> None:
    checks = Checks()
    known = users(checks, alice="right")
    assert [await known.admit(b"alice", b"wrong") for _ in range(3)] == [False] * 3
    assert len(checks.hashes) == 1


async def test_an_unknown_user_costs_a_check_of_the_same_cost() -> None:
    checks = Checks()
    known = users(checks, alice="right")
    assert not await known.admit(b"mallory", b"right")
    assert [cost(one) for one in checks.hashes] == [4]
    assert not await known.admit(b"mallory", b"other")
    assert len(checks.hashes) == 2
    assert checks.hashes[0] == checks.hashes[1], "the time of an unknown user does not vary"


async def test_one_users_password_is_not_anothers() -> None:
    known = users(Checks(), alice="a", bob="b")
    assert await known.admit(b"alice", b"a")
    assert not await known.admit(b"bob", b"a")
    assert not await known.admit(b"", b"")


async def test_the_hash_of_htpasswd_and_long_passwords_are_understood() -> None:
    long = "x" * 100
    known = Users({"alice": hashed(long[:72]).replace("$2b$", "$2y$").encode()})
    assert await known.admit(b"alice", long.encode())
    assert not await known.admit(b"alice", b"x" * 71)


async def test_a_password_bcrypt_cannot_take_is_wrong() -> None:
    known = Users({"alice": hashed("right").encode()})
    assert not await known.admit(b"alice", b"ri\0ght")
    assert not await known.admit(b"alice", b"")


async def test_checks_run_one_at_a_time_off_the_event_loop() -> None:
    checks = Checks()
    known = users(checks, alice="right")
    checks.go.clear()
    asked = [asyncio.create_task(known.admit(b"alice", str(n).encode(), str(n))) for n in range(3)]
    started = time.monotonic()
    while len(checks.hashes) < 1:
        assert time.monotonic() - started < 10
        await asyncio.sleep(0)  # the loop turns while a check hangs
    assert len(checks.hashes) == 1
    checks.go.set()
    assert await asyncio.gather(*asked) == [False] * 3
    assert len(checks.threads) == 1
    assert threading.get_ident() not in checks.threads


async def test_the_same_question_asked_twice_at_once_is_one_check() -> None:
    checks = Checks()
    known = users(checks, alice="right")
    assert await asyncio.gather(*(known.admit(b"alice", b"right") for _ in range(20))) == [True] * 20
    assert len(checks.hashes) == 1


async def test_a_flood_is_turned_away_and_those_who_are_known_come_in() -> None:
    checks = Checks()
    known = users(checks, alice="right")
    assert await known.admit(b"alice", b"right", "prometheus")
    checks.go.clear()
    flood = [asyncio.create_task(known.admit(b"alice", b"%d" % n, "mallory")) for n in range(50)]
    await asyncio.sleep(0)
    assert await known.admit(b"alice", b"right", "prometheus")
    other = asyncio.create_task(known.admit(b"alice", b"new", "second"))
    checks.go.set()
    results = await asyncio.gather(*flood, return_exceptions=True)
    assert sum(isinstance(result, BusyError) for result in results) == 46
    assert await other is False, "one peer's flood leaves places for another"


async def test_many_peers_cannot_make_a_long_queue() -> None:
    checks = Checks()
    known = users(checks, alice="right")
    checks.go.clear()
    flood = [asyncio.create_task(known.admit(b"alice", b"%d" % n, str(n))) for n in range(50)]
    await asyncio.sleep(0)
    checks.go.set()
    results = await asyncio.gather(*flood, return_exceptions=True)
    assert sum(isinstance(result, BusyError) for result in results) == 34


async def test_neither_hash_nor_password_is_in_the_repr() -> None:
    known = users(Checks(), alice="right")
    assert repr(known) == "<Users: 1>"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Basic " + b64encode(b"alice:p:w").decode(), (b"alice", b"p:w")),
        ("basic  " + b64encode(b"alice:").decode(), (b"alice", b"")),
        ("Basic " + b64encode("älice:pä".encode()).decode(), ("älice".encode(), "pä".encode())),
        ("Basic " + b64encode(b"alice").decode(), None),
        ("Basic !!!", None),
        ("Basic ä", None),
        ("Basic", None),
        ("Bearer abc", None),
        ("", None),
    ],
)
def test_credentials_are_read_as_rfc_7617_says(header: str, expected: tuple[bytes, bytes] | None) -> None:
    assert credentials(header) == expected


@pytest.mark.parametrize("text", ["", "secret", "$2y$10$short", "$1$abc$def", "$2y$xx$" + "a" * 53])
def test_what_is_no_bcrypt_hash_has_no_cost(text: str) -> None:
    assert cost(text.encode()) is None
