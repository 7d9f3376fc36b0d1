"""`pgbackrest-exporter collect`: reads all sources once and writes the metrics, for hosts with node_exporter alone."""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from exporter import logs
from exporter.exposition import Exposition
from exporter.metrics import GROUPS
from exporter.once import read_once
from exporter.settings.file import SettingsError, load
from exporter.snapshot import Snapshot
from exporter.table import Renderer

_DESCRIPTION = """\
Reads every source once and writes the metrics in Prometheus' text format: to standard output, or to a file
that node_exporter's textfile collector takes in.
"""

_EPILOG = """\
Run it every minute by a timer or cron. Ages and lags are those of the moment of writing: between two runs they stand
still, and so does a file whose writer has died. Alert on node_textfile_mtime_seconds, or let the exporter serve.

example:
  pgbackrest-exporter collect --textfile /var/lib/prometheus/node-exporter/pgbackrest.prom

exit codes: 0 written, 1 written, but a source failed (which the metrics tell as well), 2 bad flags or settings,
3 the file could not be written.
"""


def main(argv: Sequence[str]) -> int:
    """Run it and return the exit code."""
    args = _parser().parse_args(argv)
    logs.set_up(args.log_level, "logfmt")
    try:
        settings = load(args.config_file)
    except SettingsError as error:
        return _complain(2, *error.problems)
    snapshot = asyncio.run(read_once(settings))
    body = _rendered(snapshot)
    if args.textfile is None:
        sys.stdout.buffer.write(body)
    else:
        try:
            _write(args.textfile, body)
        except OSError as error:
            return _complain(3, f"{args.textfile}: {error.strerror}: nothing was written")
    readings = [one for by_stanza in snapshot.readings().values() for one in by_stanza.values()]
    return 0 if all(reading.success for reading in readings) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pgbackrest-exporter collect",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--config.file", type=Path, metavar="FILE", dest="config_file", help="settings, YAML")
    parser.add_argument(
        "--textfile",
        type=Path,
        metavar="FILE",
        help="write there, whole or not at all; default: standard output",
    )
    parser.add_argument(
        "--log.level", choices=logs.LEVELS, default="warn", dest="log_level", help="default: warn"
    )
    return parser


def _rendered(snapshot: Snapshot) -> bytes:
    slices = Renderer(GROUPS).render(snapshot)
    while True:
        try:
            next(slices)
        except StopIteration as done:
            exposition: Exposition = done.value
            return exposition.facts_at(time.time())


def _write(path: Path, body: bytes) -> None:
    """Replace the file in one step: node_exporter must never see half of it."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except OSError:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _complain(code: int, *lines: str) -> int:
    for line in lines:
        print(f"pgbackrest-exporter collect: {line}", file=sys.stderr)
    return code
