"""Who may come in: the web configuration in force, read anew when one of its files changes."""

import asyncio
import logging
import traceback
from collections.abc import Mapping
from pathlib import Path

from exporter.web.answer import Answer, Asked, plain
from exporter.web.config import RateLimit, WebConfig, WebConfigError, load, signature
from exporter.web.users import BusyError, credentials

log = logging.getLogger(__name__)

_CHALLENGE = {"WWW-Authenticate": 'Basic realm="pgbackrest-exporter", charset="UTF-8"'}


class Guard:
    """Holds the web configuration, and sends away whom it does not admit."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._signature: tuple[object, ...] = ()
        self._files: tuple[Path, ...] = (path,) if path else ()
        self._bucket: _Bucket | None = None
        self.config = WebConfig()

    async def load(self) -> None:
        """Put the file in force; raises WebConfigError, and then the old one stays."""
        if self._path is None:
            return
        config = await self._read(self._path)
        if isinstance(config, WebConfigError):
            raise config
        for warning in config.warnings:
            log.warning("web configuration", extra={"warning": warning})
        limit = config.rate_limit
        self._bucket = _Bucket(limit) if limit else None
        self.config = config

    async def _read(self, path: Path) -> WebConfig | WebConfigError:
        """Read the file, and once more when it names other files than before.

        So each file's signature is from before it was read: one renewed in that moment is noticed at the next look.
        """
        while True:
            files = self._files
            self._signature = signature(files)
            result: WebConfig | WebConfigError
            try:
                result = await asyncio.to_thread(load, path)
            except WebConfigError as error:
                result = error
            except Exception as error:
                # No edit of the file may end the exporter. An error's words may hold a secret, its place does not.
                words = f"{path}: unexpected {_named(error)}: the file cannot be used; please report this"
                result = WebConfigError([words], files)
            if result.files == files:
                return result
            self._files = result.files

    @property
    def changed(self) -> bool:
        """Whether a file looks different from when it was last read, well or badly."""
        return signature(self._files) != self._signature

    def knows(self, asked: Asked) -> bool:
        """Tell whether a request may come in without a check and without being counted."""
        if self._bucket:
            return False
        given = credentials(asked.authorization)
        return self.config.users is None or (given is not None and self.config.users.knows(*given))

    async def refusal(self, asked: Asked) -> Answer | None:
        """Give the answer to a request that may not come in, or None."""
        if self._bucket and not self._bucket.take(asyncio.get_running_loop().time()):
            headers = self.lines({"Retry-After": "1"})
            return plain(429, "Too many requests: rate_limit of the web configuration.", headers)
        users = self.config.users
        if users is None:
            return None
        given = credentials(asked.authorization)
        try:
            if given and await users.admit(*given, asked.peer):
                return None
        except BusyError:
            return plain(503, "Too many passwords wait to be checked.", self.lines({"Retry-After": "1"}))
        return plain(401, "A user and a password are needed.", self.lines(_CHALLENGE))

    def lines(self, headers: Mapping[str, str]) -> str:
        """Write the header lines of an answer; those of the web configuration win."""
        merged = {"X-Content-Type-Options": "nosniff", **headers, **self.config.headers}
        return "".join([f"{name}: {value}\r\n" for name, value in merged.items()])


def _named(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno}"


class _Bucket:
    """A token bucket that fills with time."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._tokens = float(limit.burst)
        self._at: float | None = None

    def take(self, now: float) -> bool:
        since = 0.0 if self._at is None else now - self._at
        self._at = now
        self._tokens = min(self._limit.burst, self._tokens + since / self._limit.interval)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
