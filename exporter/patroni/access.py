"""What is needed to be let in by Patroni: certificates and a password, each from a file that may be renewed."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from exporter.aside import Aside, StillHangs
from exporter.settings import Patroni

_MOST = 4096
"""Bytes of a password file: a longer one is another file."""


class AccessError(Exception):
    """A file cannot be used. The message is one line with the setting that names it, and shows no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What a request takes with it: for https the TLS context and whether a certificate is in it, and a login."""

    context: ssl.SSLContext | None = field(default=None, repr=False)
    certified: bool = False
    username: str | None = None
    password: str = field(default="", repr=False)


@dataclass(slots=True)
class Access:
    """Reads the files that the settings name, and again when one has changed; without *https* none of TLS."""

    settings: Patroni
    https: bool
    _known: Keys | None = field(default=None, init=False, repr=False)
    _signature: tuple[object, ...] = field(default=(), init=False, repr=False)
    _aside: Aside = field(default_factory=lambda: Aside("files of patroni"), init=False, repr=False)

    async def keys(self) -> Keys:
        """Return what is valid now; raises AccessError."""
        if self._known is not None and not self._files:
            return self._known
        try:
            return await self._aside.call(self._read)
        except StillHangs as error:
            raise AccessError(str(error)) from None

    @property
    def _files(self) -> list[str]:
        settings = self.settings
        of_tls = (settings.ca_file, settings.cert_file, settings.key_file) if self.https else ()
        return [file for file in (*of_tls, settings.password_file) if file]

    def _read(self) -> Keys:
        signature = tuple(_stamp(file) for file in self._files)
        if self._known is None or signature != self._signature:
            self._known, self._signature = self._load(), signature
        return self._known

    def _load(self) -> Keys:
        settings = self.settings
        return Keys(
            # Reading the system's authorities takes as long as many readings do.
            context=_context(settings) if self.https else None,
            certified=settings.cert_file is not None,
            username=settings.username,
            password=_password(settings.password_file) if settings.password_file else "",
        )


def _stamp(file: str) -> object:
    try:
        stat = Path(file).stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino


def _context(settings: Patroni) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ValueError) as error:
        raise AccessError(f"patroni.ca_file: {_words(settings.ca_file, error)}") from None
    if settings.cert_file:
        # Without a password OpenSSL would ask on the terminal, and wait.
        try:
            context.load_cert_chain(settings.cert_file, settings.key_file, lambda: "")
        except (OSError, ValueError) as error:
            files = f"{settings.cert_file} with {settings.key_file or 'the key in it'}"
            raise AccessError(f"patroni.cert_file: {_words(files, error)}") from None
    return context


def _words(file: str | None, error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "no certificate in it").replace("_", " ").lower()
        return f"{file} cannot be used ({reason}): it must be PEM, a key without a passphrase"
    return f"{file} cannot be read: {getattr(error, 'strerror', None) or error}"


def _password(file: str) -> str:
    try:
        with Path(file).open("rb") as opened:
            content = opened.read(_MOST + 1)
        password = content.decode().rstrip("\r\n")
    except OSError as error:
        raise AccessError(f"patroni.password_file: {file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise AccessError(f"patroni.password_file: {file} is no text: write the password alone") from None
    if not password or not password.isprintable() or len(content) > _MOST:
        raise AccessError(f"patroni.password_file: {file} must hold one line, the password alone")
    return password
