"""The pgBackRest client: how it is called, and what its exit codes and words mean."""

import logging
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

from exporter.pgbackrest.words import (
    COLOUR,
    PREFIX,
    READ_AT_MOST,
    PgBackRestError,
    failure,
    one_line,
    said,
    shortened,
)
from exporter.programs.process import BadCommand, Completed, ProcessError, TimedOut, run
from exporter.settings import PgBackRest

log = logging.getLogger(__name__)

# More than the info of 200,000 backups; what prints more has lost its way, and shall not take our memory with it.
_LONGEST: Final = 128 << 20
# Seven million segments, of which only a piece at a time is in memory.
_LONGEST_LISTING: Final = 1 << 30
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

# pgBackRest itself takes any name; these reach every prefix unharmed, also a script that calls a shell.
_STANZA: Final = re.compile(r"(?!\.{1,2}$)[\w.+@:=,-]+")

_TOLD_AT_MOST: Final = 256

Take = Callable[[bytes], None]
"""Is handed a piece of output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One pgBackRest with its configuration. *command* may begin with sudo, ssh, kubectl exec and the like."""

    command: tuple[str, ...] = ("pgbackrest",)
    config: str | None = None
    config_include_path: str | None = None
    _told: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, settings: PgBackRest) -> "Client":
        """Return the one that the settings tell of."""
        return cls(
            command=settings.command,
            config=settings.config,
            config_include_path=settings.config_include_path,
        )

    async def info(
        self, *, within: float, stanza: str | None = None, repo: int | None = None
    ) -> bytes | bytearray:
        """Return the JSON document of all stanzas, or of one, or of one in one *repo*; *within* is in seconds.

        Lines in front of it are cut off and logged, each once; lines after it, which the options prevent, are not
        looked for. Exit code 0 says nothing about health: that is in the document. Raises PgBackRestError.
        """
        if stanza is not None:
            _check(stanza)
        asked = () if stanza is None else (f"--stanza={stanza}",)
        if repo is not None:
            asked = (*asked, f"--repo={repo}")
        options = (*self._configuration(), *_QUIET, *_timeouts(within), "info", "--output=json", *asked)
        done = await self._run("info", options, within)
        if done.stdout.startswith(b"["):
            return done.stdout
        start = done.stdout.find(b"\n[") + 1
        if start:
            self._tell(done.stdout[: start - 1][:READ_AT_MOST])
            return done.stdout[start:]
        raise _no_json("info", done.stdout)

    async def repo_ls(
        self,
        path: str,
        take: Take,
        *,
        within: float,
        repo: int,
        stanza: str,
        recurse: bool = False,
    ) -> None:
        """Hand the JSON document that lists *path* to *take*, piece by piece; *within* is in seconds.

        A path that is not there is an empty listing: {".":{"type":"path"}}. What was handed over counts only when
        this returns: an error may have cut it off. Raises PgBackRestError.
        """
        cut = _Document(take)
        options = ("--output=json", *(("--recurse",) if recurse else ()), f"--repo={repo}", path)
        done = await self._ask("repo-ls", stanza, options, within, cut)
        if not cut.begun:
            raise _no_json("repo-ls", done.stdout)
        self._tell(cut.front)

    async def repo_get(self, path: str, *, within: float, repo: int, stanza: str) -> bytes:
        """Return the content of one small file, decrypted; *within* is in seconds. Raises PgBackRestError."""
        options = (f"--repo={repo}", path)
        return bytes((await self._ask("repo-get", stanza, options, within)).stdout)

    async def _ask(
        self, command: str, stanza: str, options: Sequence[str], within: float, take: Take | None = None
    ) -> Completed:
        """Run a command that is about one stanza's part of a repository: its section tells how to reach it."""
        _check(stanza)
        words = (*self._configuration(), *_QUIET, *_timeouts(within), command, f"--stanza={stanza}", *options)
        return await self._run(command, words, within, take)

    async def version(self, *, within: float) -> str:
        """Return pgBackRest's version, such as "2.59.1"; *within* is in seconds. Raises PgBackRestError."""
        # --output=num came with 2.55; 2.45 ignores it and 2.54 refuses it.
        done = await self._run("version", ("version",), within)
        found = re.search(rb"^pgBackRest (\d+\.\d\S*)", done.stdout, re.MULTILINE)
        if not found:
            printed = shortened(
                one_line(COLOUR.sub("", done.stdout[:READ_AT_MOST].decode(errors="replace"))), 80
            )
            raise PgBackRestError(f"pgbackrest version: printed {printed!r}: {PREFIX}", code=0)
        return found[1].decode(errors="replace")

    def argv(self, command: str, options: Sequence[str]) -> tuple[str, ...]:
        """Return the whole command line of a command that is run by others, such as by restore_command."""
        return (*self.command, *self._configuration(), *options, command)

    def _configuration(self) -> Iterator[str]:
        if self.config is not None:
            yield f"--config={self.config}"
        if self.config_include_path is not None:
            yield f"--config-include-path={self.config_include_path}"

    async def _run(
        self, what: str, options: Sequence[str], within: float, take: Take | None = None
    ) -> Completed:
        if any(PurePath(word).name == "ssh" for word in self.command):
            options = [shlex.quote(option) for option in options]  # ssh joins them for a shell over there
        try:
            limit = _LONGEST if take is None else _LONGEST_LISTING
            done = await run(
                (*self.command, *options), within=within, env=environment(), limit=limit, take=take
            )
        except BadCommand as error:
            raise PgBackRestError(f"{error} (setting pgbackrest.command)") from error
        except TimedOut as error:
            raise PgBackRestError(
                f"{error}: see whether every repository answers, or raise within"
            ) from error
        except ProcessError as error:
            raise PgBackRestError(str(error)) from error
        if done.exit_code:
            raise failure(what, done)
        self._tell(done.stderr)
        return done

    def _tell(self, output: bytes | bytearray) -> None:
        """Log what is worth it, each text once: it would come again with every call."""
        for level, _, words in said(output):
            if (
                level in (None, "WARN", "ERROR")
                and words not in self._told
                and len(self._told) < _TOLD_AT_MOST
            ):
                self._told.add(words)
                log.warning("pgbackrest: %s", words)


class _Document:
    """Hands a JSON object on and keeps back the lines that stand in front of it."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self.front = bytearray()
        self.begun = False

    def __call__(self, piece: bytes) -> None:
        if self.begun:
            self._take(piece)
            return
        self.front += piece
        start = 0 if self.front.startswith(b"{") else self.front.find(b"\n{") + 1
        if start == 0 and not self.front.startswith(b"{"):
            del self.front[READ_AT_MOST:]
            return
        self.begun = True
        document = bytes(self.front[start:])
        del self.front[max(start - 1, 0) :]
        self._take(document)


def _check(stanza: str) -> None:
    if not _STANZA.fullmatch(stanza):
        raise PgBackRestError(
            f"stanza {stanza!r}: not asked for, a name is made of letters, digits and .+@:=,_-"
        )


def _no_json(command: str, output: bytes | bytearray) -> PgBackRestError:
    printed = one_line(COLOUR.sub("", output[:READ_AT_MOST].decode(errors="replace")))
    what = f"no JSON but {shortened(printed, 80)!r}" if printed else "nothing"
    return PgBackRestError(f"pgbackrest {command}: printed {what}, exit code 0: {PREFIX}", code=0)


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


def environment() -> Mapping[str, str]:
    """Return what pgBackRest is run with: our environment without what would change its answers."""
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_HANDED_ON}
    return kept | {"LC_ALL": "C"}
