"""pgBackRest's words: what it said before it gave up, its exit codes' names, and what helps."""

import re
import signal
from collections.abc import Iterator
from typing import Final

from exporter.pgbackrest.redaction import redacted
from exporter.programs.process import Completed

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

PREFIX: Final = "see that pgbackrest.command holds the program and what runs it, nothing more"
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
        ((31, 48, 96), "invalid option '-|invalid command|parameters", PREFIX),
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
COLOUR: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
READ_AT_MOST: Final = 64 << 10
_WORDS_AT_MOST: Final = 600


class PgBackRestError(Exception):
    """No answer from pgBackRest. The message is one line: its own words, and a remedy where one is known.

    *code* is the exit code (negative: killed by that signal), *name* the error's name in pgBackRest's source, such
    as "file-missing"; both are None where it did not come to an exit.
    """

    def __init__(self, message: str, *, code: int | None = None, name: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.name = name


Said = tuple[str | None, int | None, str]


def said(output: bytes | bytearray) -> Iterator[Said]:
    """Tell apart what was said: level, error code and words on one line, with hints and other continuations."""
    message: list[str] = []
    level: str | None = None
    code: int | None = None
    text = COLOUR.sub("", output.decode(errors="replace"))
    for line in [*text.split("\n"), "."]:  # the last one only ends the message before it
        if line[:1].isspace() and message:
            message.append(line.replace("HINT:", "hint:"))
            continue
        if words := "; ".join(part for each in message if (part := one_line(each).rstrip("."))):
            yield level, code, shortened(words, _WORDS_AT_MOST)
        found = _LINE.match(line)
        level = found["level"] if found else None
        code = int(found["code"]) if found and found["code"] else None
        message = [found["words"] if found else line]


def failure(what: str, done: Completed) -> PgBackRestError:
    """Return the error of a command that ended with an exit code other than 0: its last words, and a remedy."""
    code = done.exit_code
    words = _last_words([*said(done.stdout[-READ_AT_MOST:])], [*said(done.stderr)])
    name = _NAMES.get(code)
    ending = _ending(code, name)
    remedy = _remedy(code, words)
    message = (
        f"pgbackrest {what}: {ending}" + (f": {words}" if words else "") + (f" - {remedy}" if remedy else "")
    )
    return PgBackRestError(message, code=code, name=name)


def _last_words(stdout: list[Said], stderr: list[Said]) -> str:
    own = [words for level, code, words in [*stdout, *stderr] if level in ("ERROR", "ASSERT") and code]
    if own:
        return own[-1]
    foreign = [words for level, _, words in stderr or stdout if level is None]  # of sudo, ssh, a shell
    return shortened("; ".join(foreign[-3:]), _WORDS_AT_MOST)


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


def one_line(text: str) -> str:
    """Take out control characters and secrets."""
    return redacted(" ".join("".join(each if each.isprintable() else " " for each in text).split()))


def shortened(text: str, most: int) -> str:
    """Return *text*, cut off visibly when it is longer than *most* characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
