"""Seeded mutations of genuine documents: of their bytes, and of the values in those that are JSON."""

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**25, 1e308, -1e308, 0.5,
    "", "0", " ", "\x00", "\ud800", "é\u2028", "x" * 5000, "000000010000000000000001", "FFFFFFFFFFFFFFFFFFFFFFFF",
    "0/0", "F/FFFFFFFF", "2026-11-22T07:15:00Z", [], {}, [[]], [None], {"": None}, {"a": {"b": []}},
)  # fmt: skip
_WORDS = (
    b"\x00", b"\xff", b"\xed\xa0\x80", b"\n", b"\r\n", b"\r\n\r\n", b"[", b"]", b"{", b"}", b'"', b"\\", b":", b"=",
    b"#", b",", b"-1", b"99999999999999999999", b"1e400", b"NaN", b"Infinity", b"null", b"\t", b"\x1b[31m", b"&a ",
    b"*a", b"!!", b"<<: ", b"9" * 400, b" " * 300, b"%s", b"{0}",
)  # fmt: skip


def mutations(seeds: Sequence[bytes], chance: random.Random, number: int) -> Iterator[bytes]:
    """Yield each seed as it is, and then *number* mutations."""
    yield from seeds
    for _ in range(number):
        yield mutated(chance.choice(seeds), seeds, chance)


def mutated(seed: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Change one of them in one to four places."""
    if chance.random() < 0.5:
        try:
            return _json(json.loads(seed), chance)
        except (ValueError, RecursionError):
            pass
    for _ in range(chance.randrange(1, 5)):
        seed = _bytes(seed, seeds, chance)
    return seed


def _bytes(seed: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    start = chance.randrange(len(seed) + 1)
    end = min(len(seed), start + chance.choice((0, 1, 1, 2, 8, 64, len(seed))))
    match chance.randrange(5):
        case 0:
            new = b""
        case 1:
            new = bytes([chance.randrange(256)])
        case 2:
            new = chance.choice(_WORDS)
        case 3:
            new = seed[start:end] * chance.choice((2, 3, 50))
        case _:
            other = chance.choice(seeds)
            at = chance.randrange(len(other) + 1)
            new = other[at : at + chance.randrange(200)]
    return seed[:start] + new + seed[end:]


def _json(document: Any, chance: random.Random) -> bytes:
    for _ in range(chance.randrange(1, 4)):
        places = list(_places(document))
        if not places:
            break
        parent, key = chance.choice(places)
        match chance.randrange(4):
            case 0:
                del parent[key]
            case 1:
                other, name = chance.choice(places)
                parent[key] = other[name] if name in _keys(other) else None
            case _:
                parent[key] = chance.choice(_VALUES)
    try:
        return json.dumps(document, separators=(",", ":")).encode()
    except ValueError:  # a part of it was put into itself
        return b"null"


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    for key in _keys(document):
        yield document, key
        yield from _places(document[key])


def _keys(value: Any) -> list[Any]:
    return (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
