"""The pgBackRest client: how it is called, and what its exit codes and words mean."""

import logging
import os
import re
import shlex
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

from exporter.process import BadCommand, Completed, ProcessError, TimedOut, run

log = logging.getLogger(__name__)

# More than the info of 200,000 backups; what prints more has lost its way, and shall not take our memory with it.
_LONGEST: Final = 128 << 20
# Nothing but the answer on stdout. 2.53 and later still print there what they say before they know these options.
_QUIET: Final = ("--log-level-console=off", "--log-level-stderr=error", "--log-level-file=off")

# These would change the answer, or have it mixed with other lines. The rest of PGBACKREST_* is the user's: secrets too.
_NOT_HANDED_ON: Final = frozenset(
    f"PGBACKREST_{option}"
    for option in (
        *("STANZA", "REPO", "SET", "TYPE", "OUTPUT", "DETAIL_LEVEL", "IO_TIMEOUT", "PROTOCOL_TIMEOUT"),
        *("LOG_LEVEL_CONSOLE", "LOG_LEVEL_STDERR", "LOG_LEVEL_FILE", "LOG_SUBPROCESS", "LOG_TIMESTAMP"),
    )
)
_SECRET: Final = re.compile(r"PGBACKREST_.*(PASS|KEY|SECRET|TOKEN)")

# pgBackRest itself takes any name; these reach every prefix unharmed, also a script that calls a shell.
_STANZA: Final = re.compile(r"(?!\.{1,2}$)[\w.+@:=,-]+")

# src/build/error/error.yaml: the exit code is the error's code.
_NAMES: Final = {
    25: "assert", 26: "checksum", 27: "config", 28: "file-invalid", 29: "format", 30: "command-required",
    31: "option-invalid", 32: "option-invalid-value", 37: "option-required", 38: "pg-running", 39: "protocol",
    40: "path-not-empty", 41: "file-open", 42: "file-read", 43: "param-required", 44: "archive-mismatch",
    45: "archive-duplicate", 46: "version-not-supported", 47: "path-create", 48: "command-invalid",
    49: "host-connect", 50: "lock-acquire", 51: "backup-mismatch", 52: "file-sync", 53: "path-open",
    54: "path-sync", 55: "file-missing", 56: "db-connect", 57: "db-query", 58: "db-mismatch", 60: "file-remove",
    61: "path-remove", 62: "stop", 63: "term", 64: "file-write", 67: "feature-not-supported",
    68: "archive-command-invalid", 69: "link-expected", 70: "link-destination", 72: "host-invalid",
    73: "path-missing", 74: "file-move", 75: "backup-set-invalid", 76: "tablespace-map", 78: "link-map",
    79: "file-close", 80: "db-missing", 81: "db-invalid", 82: "archive-timeout", 83: "file-mode",
    87: "archive-disabled", 88: "file-owner", 89: "user-missing", 93: "file-exists", 94: "memory", 95: "crypto",
    96: "param-invalid", 97: "path-close", 98: "file-info", 99: "json-format", 100: "kernel", 101: "service",
    102: "execute", 103: "repo-invalid", 104: "command", 105: "access", 106: "clock", 122: "runtime",
    124: "unhandled", 125: "unknown",
}  # fmt: skip

_PREFIX: Final = "see that pgbackrest.command holds the program and what runs it, nothing more"
_SUDOERS: Final = "allow it in sudoers, with NOPASSWD for the exporter's user"
_OWNER: Final = (
    "run it as the repository's owner (pgbackrest.command: [sudo, -n, -u, OWNER, pgbackrest]),"
    " or set PGBACKREST_ALLOW_ROOT=y"
)
# Exit codes (none: any), words, remedy; the first that fits counts.
_REMEDIES: Final[tuple[tuple[frozenset[int], str, str], ...]] = tuple(
    (frozenset(codes), words, remedy)
    for codes, words, remedy in (
        ((31,), "as the root user", _OWNER),
        ((31,), "multiple times", "keep one of them: the files of conf.d are read as one with pgbackrest.conf"),
        ((31, 48, 96), "invalid option '-|invalid command|parameters", _PREFIX),
        ((27, 29, 31, 32, 37), "", "correct pgbackrest.conf, or the PGBACKREST_* variables of the exporter"),
        ((41, 42, 53, 98), "Permission denied", "run it as the repository's owner, or let its user read that"),
        ((55,), "missing file", "create that file or correct pgbackrest.config"),
        ((73,), "", "create that folder or correct pgbackrest.config_include_path"),
        ((49,), "", "see that the host is up and that name, port and certificate are right"),
        ((95,), "", "see that repo-cipher-type and repo-cipher-pass are those of the repository"),
        ((94,), "", "give it more memory"),
        ((), "(password|terminal) is required|askpass|sudoers|not allowed to (run|execute)", _SUDOERS),
        ((), "no new privileges", "sudo needs NoNewPrivileges=no, or allowPrivilegeEscalation: true"),
        ((126,), "", "let it be executed there, or correct pgbackrest.command"),
        ((127,), "", "install it there, or give its full path in pgbackrest.command"),
        ((255,), "", "see that pgbackrest.command works by hand, as the exporter's user and without a question"),
    )
)  # fmt: skip

# Lines as pgBackRest writes them: on stderr bare, on stdout with a process, after log-timestamp with a time.
_LINE: Final = re.compile(
    r"(?:\d{4}-\d\d-\d\d [\d:.]+ )?(?:P\d\d+ +)?"
    r"(?P<level>ASSERT|ERROR|WARN|INFO|DETAIL|DEBUG|TRACE): (?:\[(?P<code>\d{3})\]: )?(?P<words>.*)"
)
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_READ_AT_MOST: Final = 64 << 10
_WORDS_AT_MOST: Final = 600
_TOLD_AT_MOST: Final = 256


class PgBackRestError(Exception):
    """No answer from pgBackRest. The message is one line: its own words, and a remedy where one is known.

    *code* is the exit code (negative: killed by that signal), *name* the error's name in pgBackRest's source, such
    as "file-missing"; both are None where it did not come to an exit.
    """

    def __init__(self, message: str, *, code: int | None = None, name: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One pgBackRest with its configuration. *command* may begin with sudo, ssh, kubectl exec and the like."""

    command: tuple[str, ...] = ("pgbackrest",)
    config: str | None = None
    config_include_path: str | None = None
    _told: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    async def info(self, *, within: float, stanza: str | None = None) -> bytes | bytearray:
        """Return the JSON document of all stanzas, or of one; *within* is in seconds.

        Lines in front of it are cut off and logged, each once; lines after it, which the options prevent, are not
        looked for. Exit code 0 says nothing about health: that is in the document. Raises PgBackRestError.
        """
        if stanza is not None and not _STANZA.fullmatch(stanza):
            raise PgBackRestError(
                f"stanza {stanza!r}: not asked for, a name is made of letters, digits and .+@:=,_-"
            )
        asked = () if stanza is None else (f"--stanza={stanza}",)
        options = (*self._configuration(), *_QUIET, *_timeouts(within), "info", "--output=json", *asked)
        done = await self._run("info", options, within)
        if done.stdout.startswith(b"["):
            return done.stdout
        start = done.stdout.find(b"\n[") + 1
        if start:
            self._tell(done.stdout[: start - 1][:_READ_AT_MOST])
            return done.stdout[start:]
        printed = _one_line(_COLOUR.sub("", done.stdout[:_READ_AT_MOST].decode(errors="replace")))
        what = f"no JSON but {_shortened(printed, 80)!r}" if printed else "nothing"
        raise PgBackRestError(f"pgbackrest info: printed {what}, exit code 0: {_PREFIX}", code=0)

    async def version(self, *, within: float) -> str:
        """Return pgBackRest's version, such as "2.59.1"; *within* is in seconds. Raises PgBackRestError."""
        # --output=num came with 2.55; 2.45 ignores it and 2.54 refuses it.
        done = await self._run("version", ("version",), within)
        found = re.search(rb"^pgBackRest (\d+\.\d\S*)", done.stdout, re.MULTILINE)
        if not found:
            printed = _shortened(
                _one_line(_COLOUR.sub("", done.stdout[:_READ_AT_MOST].decode(errors="replace"))), 80
            )
            raise PgBackRestError(f"pgbackrest version: printed {printed!r}: {_PREFIX}", code=0)
        return found[1].decode(errors="replace")

    def _configuration(self) -> Iterator[str]:
        if self.config is not None:
            yield f"--config={self.config}"
        if self.config_include_path is not None:
            yield f"--config-include-path={self.config_include_path}"

    async def _run(self, what: str, options: Sequence[str], within: float) -> Completed:
        if any(PurePath(word).name == "ssh" for word in self.command):
            options = [shlex.quote(option) for option in options]  # ssh joins them for a shell over there
        try:
            done = await run((*self.command, *options), within=within, env=_environment(), limit=_LONGEST)
        except BadCommand as error:
            raise PgBackRestError(f"{error} (setting pgbackrest.command)") from error
        except TimedOut as error:
            raise PgBackRestError(
                f"{error}: see whether every repository answers, or raise within"
            ) from error
        except ProcessError as error:
            raise PgBackRestError(str(error)) from error
        if done.exit_code:
            raise _failure(what, done)
        self._tell(done.stderr)
        return done

    def _tell(self, output: bytes | bytearray) -> None:
        """Log what is worth it, each text once: it would come again with every call."""
        for level, _, words in _said(output):
            if (
                level in (None, "WARN", "ERROR")
                and words not in self._told
                and len(self._told) < _TOLD_AT_MOST
            ):
                self._told.add(words)
                log.warning("pgbackrest: %s", words)


def _timeouts(within: float) -> tuple[str, str]:
    """Let an unreachable repository become pgBackRest's own error (code 99 of that repository) before our deadline.

    Measured: an object store that is down takes 4 × io-timeout + 2 s (so two of them fit), a silent TLS host 2 to 3
    × protocol-timeout, ssh 1 ×. Whole seconds, as 2.5x takes no fractions; the least is 0.1 s, the most 1 hour.
    `info` has no db-timeout, so that rule of protocol-timeout does not hold here.
    """
    return (
        f"--io-timeout={min(max(int(within / 10), 1), 3600)}",
        f"--protocol-timeout={min(max(int(within / 6), 1), 3600)}",
    )


def _environment() -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_HANDED_ON}
    return kept | {"LC_ALL": "C"}


_Said = tuple[str | None, int | None, str]


def _said(output: bytes | bytearray) -> Iterator[_Said]:
    """Tell apart what was said: level, error code and words on one line, with hints and other continuations."""
    message: list[str] = []
    level: str | None = None
    code: int | None = None
    text = _COLOUR.sub("", output.decode(errors="replace"))
    for line in [*text.split("\n"), "."]:  # the last one only ends the message before it
        if line[:1].isspace() and message:
            message.append(line.replace("HINT:", "hint:"))
            continue
        if words := "; ".join(part for each in message if (part := _one_line(each).rstrip("."))):
            yield level, code, _shortened(words, _WORDS_AT_MOST)
        found = _LINE.match(line)
        level = found["level"] if found else None
        code = int(found["code"]) if found and found["code"] else None
        message = [found["words"] if found else line]


def _failure(what: str, done: Completed) -> PgBackRestError:
    code = done.exit_code
    words = _last_words([*_said(done.stdout[-_READ_AT_MOST:])], [*_said(done.stderr)])
    name = _NAMES.get(code)
    ending = _ending(code, name)
    remedy = _remedy(code, words)
    message = (
        f"pgbackrest {what}: {ending}" + (f": {words}" if words else "") + (f" - {remedy}" if remedy else "")
    )
    return PgBackRestError(message, code=code, name=name)


def _last_words(stdout: list[_Said], stderr: list[_Said]) -> str:
    own = [words for level, code, words in [*stdout, *stderr] if level in ("ERROR", "ASSERT") and code]
    if own:
        return own[-1]
    foreign = [words for level, _, words in stderr or stdout if level is None]  # of sudo, ssh, a shell
    return _shortened("; ".join(foreign[-3:]), _WORDS_AT_MOST)


def _ending(code: int, name: str | None) -> str:
    if name:
        return f"error {code} ({name})"
    # A shell, and so ssh and kubectl exec, turns a signal into 128 and its number.
    number = -code if code < 0 else code - 128
    if number in list(signal.Signals):
        return f"killed by {signal.Signals(number).name}"
    return f"exit code {code}"


def _remedy(code: int, words: str) -> str | None:
    if code in (-signal.SIGKILL, 128 + signal.SIGKILL):
        return "if nobody did it, memory ran out: see the kernel's log"
    for codes, pattern, remedy in _REMEDIES:
        if (not codes or code in codes) and re.search(pattern, words):
            return remedy
    return None


def _one_line(text: str) -> str:
    """Take out control characters, values of secrets, and a broken line of pgbackrest.conf: it may hold one."""
    text = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    for name, value in os.environ.items():
        if len(value) > 3 and _SECRET.match(name) and not name.endswith(("_FILE", "_TYPE", "_PATH")):
            text = text.replace(value, "<redacted>")
    return re.sub(r"( at line \d+): (?!\[).*", r"\1", text)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
