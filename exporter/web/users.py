"""Who may come in: user names with bcrypt hashes, checked without stopping the event loop.

bcrypt is slow on purpose (90 ms at cost 10), so that a flood of wrong passwords is a flood of work. One thread
does it, a short queue waits for it, verdicts are remembered, and those who are known come in without a check.
"""

import asyncio
import base64
import binascii
import hashlib
import re
import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import bcrypt

MIN_COST = 4
MAX_COST = 16
"""A check at cost 16 takes about 6 s, and cannot be interrupted; each step more doubles it."""

_HASH = re.compile(rb"\$2[abxy]?\$(\d\d)\$[./A-Za-z0-9]{53}")
_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
# bcrypt looks at 72 bytes; htpasswd cuts longer passwords, the bcrypt library refuses them.
_LOOKED_AT = 72
_REMEMBERED = 1024
_WAITING = 16
_WAITING_OF_ONE_PEER = 4


class BusyError(Exception):
    """Too many passwords wait to be checked; ask the client to come again in a second."""


def cost(hashed: bytes) -> int | None:
    """Give the cost of a bcrypt hash, or None if it is not one."""
    found = _HASH.fullmatch(hashed)
    return int(found[1]) if found else None


def credentials(authorization: str) -> tuple[bytes, bytes] | None:
    """User and password of an ``Authorization: Basic`` header (RFC 7617), or None if it holds none."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None


class Users:
    """The users of one web configuration; a new one makes new users, and so forgets all verdicts."""

    def __init__(
        self,
        hashes: Mapping[str, bytes],
        *,
        matches: Callable[[bytes, bytes], bool] = bcrypt.checkpw,
    ) -> None:
        self._hashes = {user.encode(): hashed for user, hashed in hashes.items()}
        self._matches = matches
        self._decoys = [_decoy(hashed) for hashed in hashes.values()]
        self._secret = secrets.token_bytes(32)
        self._good: OrderedDict[bytes, None] = OrderedDict()
        self._bad: OrderedDict[bytes, None] = OrderedDict()
        self._running: dict[bytes, asyncio.Future[bool]] = {}
        self._waiting: Counter[str] = Counter()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bcrypt")

    def __repr__(self) -> str:
        return f"<Users: {len(self._hashes)}>"

    def knows(self, user: bytes, password: bytes) -> bool:
        """Tell whether *password* has been found to be *user*'s, without a check."""
        key, _ = self._question(user, password)
        return key in self._good

    async def admit(self, user: bytes, password: bytes, peer: str = "") -> bool:
        """Tell whether *password* is *user*'s.

        An unknown user costs the time of a known one. *peer* is who asks: no peer may fill the queue. Raises
        BusyError.
        """
        key, hashed = self._question(user, password)
        if key in self._good:
            return True
        if key in self._bad:
            return False
        verdict = await self._check(key, password[:_LOOKED_AT], hashed, peer) and user in self._hashes
        _remember(self._good if verdict else self._bad, key)
        return verdict

    def _question(self, user: bytes, password: bytes) -> tuple[bytes, bytes]:
        """Give the key of the verdict, and the hash that the password must have."""
        hashed = self._hashes.get(user) or self._decoy_for(user)
        return self._digest(user, password[:_LOOKED_AT], hashed), hashed

    async def _check(self, key: bytes, password: bytes, hashed: bytes, peer: str) -> bool:
        running = self._running.get(key)
        if running is None:
            if self._waiting.total() >= _WAITING or self._waiting[peer] >= _WAITING_OF_ONE_PEER:
                raise BusyError
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._worker, self._compare, password, hashed)
            self._running[key] = running
            self._waiting[peer] += 1
            running.add_done_callback(lambda _: self._done(key, peer))
        return await asyncio.shield(running)

    def _compare(self, password: bytes, hashed: bytes) -> bool:
        try:
            return self._matches(password, hashed)
        except ValueError:
            return False

    def _done(self, key: bytes, peer: str) -> None:
        del self._running[key]
        self._waiting[peer] -= 1
        if not self._waiting[peer]:
            del self._waiting[peer]

    def _decoy_for(self, user: bytes) -> bytes:
        """Choose by name: an unknown user takes always the same time, and that of a known one."""
        chosen = int.from_bytes(self._digest(user), "big") % len(self._decoys)
        return self._decoys[chosen]

    def _digest(self, *parts: bytes) -> bytes:
        """Keyed, so that neither the memory nor the time of a look-up tells anything about a password."""
        digest = hashlib.blake2b(digest_size=16, key=self._secret)
        for part in parts:
            digest.update(len(part).to_bytes(4, "big") + part)
        return digest.digest()


def _remember(verdicts: OrderedDict[bytes, None], key: bytes) -> None:
    verdicts[key] = None
    while len(verdicts) > _REMEMBERED:
        verdicts.popitem(last=False)


def _decoy(hashed: bytes) -> bytes:
    """Make a hash of the same cost that no known password has."""
    rest = "".join(secrets.choice(_ALPHABET) for _ in range(31))
    return bcrypt.gensalt(cost(hashed) or 10) + rest.encode()
