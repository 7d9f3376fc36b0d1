"""How far pg_amcheck and pg_checksums are, out of what they really said on stderr."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.restore.console import Console
from exporter.restore.sieve import PG_AMCHECK, PG_CHECKSUMS, Sieve

# PostgreSQL 15.18 said so; between the first line and the last it tells once a second, and errors when they come.
AMCHECK = (
    b"  0/544 relations (0%),     0/20887 pages (0%)\n"
    b"280/544 relations (51%), 12810/20887 pages (61%)\n"
    b'pg_amcheck: error: query failed: ERROR:  could not read block 3 in file "base/5/1"\n'
    b"544/544 relations (100%), 20887/20887 pages (100%)\n"
)
CHECKSUMS = (
    b"0/172 MB (0%) computed\n"
    b"46/172 MB (26%) computed\n"
    b'pg_checksums: error: checksum verification failed in file "base/5/1", block 4: calculated'
    b" checksum D3AA but block contains 8119\n"
    b"172/172 MB (100%) computed\n"
)


class Told(Console):
    """Remembers what it is told."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())
        self.steps: list[tuple[float, float | None, str]] = []

    def progress(self, done: float, total: float | None, unit: str) -> None:
        self.steps.append((done, total, unit))


def sieved(sieve: Sieve, said: bytes, *, at_once: int) -> bytes:
    """Return what is kept of it when so many bytes come at once."""
    pieces = [said[start : start + at_once] for start in range(0, len(said), at_once)]
    return b"".join(sieve(piece) for piece in [*pieces, b""])


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_pg_amcheck_counts_pages(at_once: int) -> None:
    told = Told()
    kept = sieved(Sieve(told, PG_AMCHECK, 8192, "bytes"), AMCHECK, at_once=at_once)
    assert told.steps == [(pages * 8192, 20887 * 8192, "bytes") for pages in (0, 12810, 20887)]
    assert kept == AMCHECK.splitlines(keepends=True)[2]


@pytest.mark.parametrize("end", [b"\n", b"\r"], ids=["log", "terminal"])
def test_pg_checksums_counts_megabytes(end: bytes) -> None:
    told = Told()
    kept = sieved(Sieve(told, PG_CHECKSUMS, 1 << 20, "bytes"), CHECKSUMS.replace(b"\n", end), at_once=5)
    assert told.steps == [(done << 20, 172 << 20, "bytes") for done in (0, 46, 172)]
    assert kept == CHECKSUMS.splitlines(keepends=True)[2]


@given(st.lists(st.binary(min_size=1)), st.integers(1, 99))
def test_whatever_else_is_said_is_kept(lines: list[bytes], at_once: int) -> None:
    told = Told()
    said = b"\n".join(lines)
    kept = sieved(Sieve(told, PG_CHECKSUMS, 1, "bytes"), said, at_once=at_once)
    if not told.steps:
        assert kept.split() == said.split()


def test_nothing_is_told_of_nothing_and_of_numbers_beyond_any_disk() -> None:
    told = Told()
    sieve = Sieve(told, PG_CHECKSUMS, 1, "bytes")
    assert sieve(b"0/0 MB (0%) computed\n" + b"9" * 5000 + b"/1 MB (0%) computed\n").startswith(b"999")
    assert told.steps == []


def test_a_line_without_end_is_not_kept_back() -> None:
    sieve = Sieve(Told(), PG_CHECKSUMS, 1, "bytes")
    kept = sum(len(sieve(b"x" * 1000)) for _ in range(1000))
    assert kept >= 999_000
