"""The web configuration (``--web.config.file``): TLS, users, headers, in the Prometheus ecosystem's format.

The format is that of prometheus/exporter-toolkit, docs/web-configuration.md. It is read strictly: an unknown key
is an error, and all mistakes are told at once. No message and no repr contains a key, a hash or a password.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exporter import yamlfile
from exporter.settings.quantity import shown
from exporter.web import tls, users
from exporter.web.tls import Tls, TlsError, TlsServerConfig
from exporter.web.users import Users
from exporter.yamlfile import Key

_TLS_KEYS: dict[str, type] = {
    "cert": str,
    "key": str,
    "client_ca": str,
    "cert_file": Path,
    "key_file": Path,
    "client_ca_file": Path,
    "client_auth_type": str,
    "client_allowed_sans": list,
    "min_version": str,
    "max_version": str,
    "cipher_suites": list,
    "prefer_server_cipher_suites": bool,
    "curve_preferences": list,
}
_SECTIONS: dict[str, dict[str, type] | None] = {
    "tls_server_config": _TLS_KEYS,
    "http_server_config": {"http2": bool, "headers": dict},
    "basic_auth_users": None,  # any names
    "rate_limit": {"interval": str, "burst": int},
}
_HEADERS: dict[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
_WORDS = {
    str: "a string",
    Path: "a path",
    list: "a list of strings",
    bool: "true or false",
    dict: "a mapping",
    int: "a number",
}
_PEM = {"cert", "key", "client_ca"}
_MOST_BURST = 1_000_000
_MOST_SECONDS = 24 * 3600
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")


class WebConfigError(Exception):
    """The file cannot be used: *problems* are one line each, *files* all to be watched for a remedy."""

    def __init__(self, problems: Iterable[str], files: tuple[Path, ...]) -> None:
        self.problems = tuple(problems)
        self.files = files
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """A token bucket: one request more every *interval* seconds, *burst* at once."""

    interval: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """One good reading of the file; the default is what holds without a file."""

    tls: Tls | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Users | None = None
    rate_limit: RateLimit | None = None
    files: tuple[Path, ...] = ()
    warnings: tuple[str, ...] = ()


def load(path: Path) -> WebConfig:
    """Read the file and all it names; raises WebConfigError with every mistake.

    HTTP/1.1 alone is spoken; ``http2`` is accepted, since true is its default everywhere.
    """
    try:
        document = yamlfile.read(path)
    except yamlfile.YamlError as error:
        raise WebConfigError([str(error)], (path,)) from None
    reading = _Reading(path, document.value)
    context = reading.tls()
    result = WebConfig(
        tls=context,
        headers=reading.headers(),
        users=reading.users(),
        rate_limit=reading.rate_limit(),
        files=reading.files,
        warnings=(f"{path}: {context.warning}",) if context and context.warning else (),
    )
    if problems := document.told(reading.problems):
        raise WebConfigError(problems, reading.files)
    return result


def signature(files: Iterable[Path]) -> tuple[object, ...]:
    """Tell one state of *files* from another: it changes when one is rewritten, replaced, made or removed."""
    return tuple(_state(file) for file in files)


def _state(file: Path) -> object:
    try:
        stat = file.stat()
    except OSError as error:
        return error.errno
    except ValueError:  # a name that the locale cannot spell
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


class _Reading:
    """One go at the file: collects problems and the files it names."""

    def __init__(self, path: Path, document: object) -> None:
        self.files: tuple[Path, ...] = (path,)
        self.problems: list[tuple[Key, str]] = []
        self.document = self.mapping((), document)
        self.check_keys((), self.document, _SECTIONS)

    def problem(self, key: Key, words: str) -> None:
        self.problems.append((key, words))

    def mapping(self, key: Key, value: object) -> Mapping[str, Any]:
        if value is not None and not isinstance(value, dict):
            self.problem(key, "expected a mapping of keys to values")
            return {}
        return value or {}

    def section(self, name: str) -> dict[str, Any]:
        """Give a section's values that are there and of the right type; the others of them are problems."""
        section = self.mapping((name,), self.document.get(name))
        types = _SECTIONS[name]
        if types is None:
            return dict(section)
        self.check_keys((name,), section, types)
        right = {}
        for key in [key for key in section if key in types]:
            if not _is(section[key], types[key]):
                self.problem((name, key), f"expected {_WORDS[types[key]]}")
            elif mistake := _unfit(section[key], pem=key in _PEM):
                self.problem((name, key), mistake)
            elif section[key] not in ("", []):
                right[key] = section[key]
        return right

    def check_keys(self, where: Key, given: Iterable[str], known: Iterable[str]) -> None:
        for key in [key for key in given if key not in known]:
            near = difflib.get_close_matches(key, known, 1, 0.5)
            meant = f'did you mean "{near[0]}"?' if near else f"known are {', '.join(known)}"
            self.problem((*where, key), f"unknown key, {meant}")

    def tls(self) -> Tls | None:
        section = self.section("tls_server_config")
        folder = self.files[0].parent.absolute()
        for key in section:
            if _TLS_KEYS[key] is Path:
                section[key] = folder / section[key]
            elif _TLS_KEYS[key] is list:
                section[key] = tuple(section[key])
        config = TlsServerConfig(**section)
        self.files += config.files
        try:
            return tls.build(config) if section else None
        except TlsError as error:
            for key, words in error.problems:
                self.problem(("tls_server_config", key), words)
            return None

    def headers(self) -> Mapping[str, str]:
        where = ("http_server_config", "headers")
        given = self.section("http_server_config").get("headers", {})
        self.check_keys(where, given, _HEADERS)
        headers = {}
        for name in [name for name in given if name in _HEADERS and given[name] not in (None, "")]:
            value, allowed = given[name], _HEADERS[name]
            if not isinstance(value, str) or not value.isascii() or not value.isprintable():
                self.problem((*where, name), "expected one line of ASCII text")
            elif allowed and value not in allowed:
                self.problem((*where, name), f"{shown(value)} is none of {', '.join(allowed)}")
            else:
                headers[name] = value
        return headers

    def users(self) -> Users | None:
        hashes = {}
        for user, hashed in self.section("basic_auth_users").items():
            where = ("basic_auth_users", user)
            cost = users.cost(hashed.encode()) if isinstance(hashed, str) and hashed.isascii() else None
            if ":" in user:
                self.problem(where, "a user name holds no colon (RFC 7617): rename the user")
            elif mistake := _unfit(user):
                self.problem(where, mistake)
            elif cost is None:
                self.problem(where, "not a bcrypt hash: make one with htpasswd -nBC 10 USER")
            elif not users.MIN_COST <= cost <= users.MAX_COST:
                expected = f"{users.MIN_COST} to {users.MAX_COST}"
                self.problem(where, f"bcrypt cost {cost}: expected {expected}, 10 or 12 are good")
            else:
                hashes[user] = hashed.encode()
        return Users(hashes) if hashes else None

    def rate_limit(self) -> RateLimit | None:
        section = self.section("rate_limit")
        text, burst = section.get("interval", "0"), section.get("burst", 0)
        interval = _seconds(text)
        if interval is None:
            self.problem(
                ("rate_limit", "interval"), f"{shown(text)} is no duration: write 500ms, 1s or 1m30s"
            )
        elif interval > _MOST_SECONDS:
            self.problem(("rate_limit", "interval"), "expected 24h or less")
        elif interval and burst < 1:
            self.problem(("rate_limit", "burst"), "expected 1 or more, or no request would ever pass")
        elif burst > _MOST_BURST:
            self.problem(("rate_limit", "burst"), f"expected {_MOST_BURST} or less")
        else:
            return RateLimit(interval=interval, burst=burst) if interval else None
        return None


def _is(value: object, kind: type) -> bool:
    if kind is list:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, str if kind is Path else kind)


def _unfit(value: object, *, pem: bool = False) -> str | None:
    """Tell what is wrong with text, or a list of it, that neither the kernel nor OpenSSL would take."""
    if pem:
        fits = isinstance(value, str) and value.isascii() and "\0" not in value
        return None if fits else "expected PEM, which is ASCII text"
    texts = value if isinstance(value, list) else [value]
    if all(text.isprintable() for text in texts if isinstance(text, str)):
        return None
    return "a character that cannot be printed is in it: remove it"


def _seconds(text: str) -> float | None:
    """Read a duration as Go writes it: 0, 500ms, 1m30s."""
    if text == "0":
        return 0.0
    if not re.fullmatch(f"(?:{_DURATION.pattern})+", text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))
