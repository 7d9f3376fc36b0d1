"""`pgbackrest-exporter run -- pgbackrest …`: runs the command as it stands and records how it went."""

import argparse
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from exporter.pgbackrest import invocation, lasterror
from exporter.programs import attended
from exporter.runs.records import Record, Writing
from exporter.settings import Settings

_DESCRIPTION = """\
Runs a pgBackRest command and records when it began and ended, its exit code and its error words, where the
exporter reads them. Input, output, signals and exit code are those of the command itself; nothing is added
to what it shows. It is for cron, systemd timers and Kubernetes jobs.

A run that cannot be recorded is run all the same: one line on stderr says why it was not.
"""

_EPILOG = """\
examples:
  In /etc/cron.d:
      30 2 * * * postgres pgbackrest-exporter run -- pgbackrest --stanza=main --type=full backup
  In a systemd service:
      ExecStart=/usr/bin/pgbackrest-exporter run -- pgbackrest --stanza=main backup
  Where the command is a script, say which stanza it is for:
      pgbackrest-exporter run --stanza=main -- /usr/local/bin/nightly-backup

exit codes: those of the command, 127 where it is not found, 126 where it may not be executed, 2 bad flags.
"""

# A dead disk under the records must not hold up what waits for the backup to end, in seconds.
_PATIENCE = 10.0
_NOT_FOUND, _NOT_EXECUTED = 127, 126
_KILLED_BY = 128  # as shells tell a signal


def main(argv: Sequence[str]) -> int:
    """Run the command that stands behind `--`; return its exit code."""
    own, wrapped = _parted(argv)
    parser = _parser()
    args = parser.parse_args(own)
    if not wrapped:
        parser.error("no command: write it behind --, such as: run -- pgbackrest --stanza=main backup")
    book = _book(args, wrapped)
    try:
        status = attended.run(wrapped, os.environ, started=book.begin, ended=book.end)
    except (OSError, ValueError) as error:
        return _not_started(book, wrapped[0], error)
    if status < 0:
        attended.die_of(-status)
        return _KILLED_BY - status
    return status


def refused(argv: Sequence[str], words: str, code: int) -> int:
    """Record that the command of *argv* was not even started, for the reason in *words*; return *code*."""
    own, wrapped = _parted(argv)
    book = _book(_parser().parse_args(own), wrapped)
    book.end(attended.Ended(status=code, at=time.time(), tail=words.encode(errors="replace")))
    return code


def _book(args: argparse.Namespace, wrapped: Sequence[str]) -> "_Book":
    asked = invocation.of_words(wrapped, os.environ)
    record = Record(
        stanza=args.stanza or asked.stanza,
        command=asked.command,
        backup_type=asked.backup_type,
        repo=asked.repo,
        pid=os.getpid(),
        started=time.time(),
    )
    return _Book(args, record)


def _parted(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    at = argv.index("--") if "--" in argv else len(argv)
    return list(argv[:at]), list(argv[at + 1 :])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pgbackrest-exporter run",
        usage="pgbackrest-exporter run [--stanza S] [--records DIR] [--config.file FILE] -- COMMAND …",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--stanza", default="", help="default: as the command or PGBACKREST_STANZA says")
    add("--records", type=Path, metavar="DIR", help="default: runs.records of the settings")
    add(
        "--config.file",
        type=Path,
        metavar="FILE",
        dest="config_file",
        help="the exporter's settings; default: none, records go to /var/lib/pgbackrest-exporter/runs",
    )
    return parser


class _Book:
    """Writes the record, aside from the command: whatever happens here costs a line on stderr and no more."""

    def __init__(self, args: argparse.Namespace, record: Record) -> None:
        self._args = args
        self._record = record
        self._writing: Writing | None = None
        self._beginning = threading.Thread(daemon=True, target=self._tried, args=(self._begin,))
        self._complained = False

    def begin(self, pid: int) -> None:
        """Record the start; it goes on while the command runs."""
        self._record = replace(self._record, pid=pid)
        self._beginning.start()

    def end(self, ended: attended.Ended) -> None:
        """Record the end."""
        failed = ended.status != 0
        self._record = replace(
            self._record,
            ended=ended.at,
            exit_code=ended.status if ended.status >= 0 else _KILLED_BY - ended.status,
            signal=_name(-ended.status) if ended.status < 0 else None,
            words=lasterror.last_error(ended.tail) if failed else None,
        )
        finishing = threading.Thread(daemon=True, target=self._tried, args=(self._finish,))
        finishing.start()
        finishing.join(_PATIENCE)
        if finishing.is_alive():
            self._complain("the disk does not answer")

    def _begin(self) -> None:
        self._writing = Writing(self._folder(), replace(self._record, ended=None, exit_code=None))

    def _finish(self) -> None:
        if self._beginning.ident is None:
            self._begin()
        else:
            self._beginning.join()
        if self._writing is not None:
            self._writing.finish(self._record)

    def _folder(self) -> Path:
        if self._args.records is not None:
            return Path(self._args.records)
        settings = Settings()
        if self._args.config_file is not None:
            # Not at the top: it brings the libraries that read YAML, and few need it here.
            settings = importlib.import_module("exporter.settings.file").load(self._args.config_file)
        return Path(settings.run_records)

    def _tried(self, write: Callable[[], None]) -> None:
        try:
            write()
        except Exception as error:
            self._complain(getattr(error, "strerror", None) or str(error))

    def _complain(self, why: str) -> None:
        if self._complained:
            return
        self._complained = True
        where = self._args.records or self._args.config_file or Settings().run_records
        line = f"pgbackrest-exporter run: this run is not recorded: {where}: {' '.join(why.split())}\n"
        with suppress(OSError):
            os.write(2, line.encode(errors="backslashreplace"))


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"


def _not_started(book: _Book, program: str, error: OSError | ValueError) -> int:
    why = getattr(error, "strerror", None) or str(error)
    line = f"{program}: {why}: correct the command behind --"
    code = _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTED
    book.end(attended.Ended(status=code, at=time.time(), tail=line.encode(errors="replace")))
    print(f"pgbackrest-exporter run: {line}", file=sys.stderr)
    return code
