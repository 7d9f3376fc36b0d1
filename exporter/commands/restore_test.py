"""`pgbackrest-exporter restore-test`: proves that backups restore, in a scratch place that is removed afterwards."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from exporter import logs
from exporter.pgbackrest import conf as pgbackrest_conf
from exporter.pgbackrest.conf import ConfError, PgBackRestConf
from exporter.restore import order as orders
from exporter.restore.console import Console
from exporter.restore.order import Order, OrderError
from exporter.restore.proof import prove
from exporter.restore.records import RecordError
from exporter.settings import Settings
from exporter.settings.file import SettingsError, load

_DESCRIPTION = """\
Restores a backup into a scratch folder, starts PostgreSQL there, replays WAL, checks the data, removes all of it,
and records what it proved. The restored server has no TCP port, archives nothing, and takes nothing from production's
configuration. Run it as a plain user that can read the repository (mostly postgres), on a host of its own or on
a database host.
"""

_EPILOG = """\
examples:
  What was tested longest ago, of every stanza of pgbackrest.conf:
      pgbackrest-exporter restore-test --to /scratch
  One stanza, from repository 2, to a moment:
      pgbackrest-exporter restore-test --stanza=main --repo=2 --target='time=2026-11-22 10:00:00+00' --to /scratch

SIGTERM and SIGINT end it; what it made is removed first. After SIGKILL or a power failure the next run removes it.
exit codes: 0 proven, 1 not proven, 2 bad flags or settings, 3 could not try, 4 the test harmed the repository
(which no run should ever see). Of several stanzas the worst counts: 4, 1, 3, 0.
"""

_WORST_FIRST = (4, 1, 3, 0)


def main(argv: Sequence[str]) -> int:
    """Run it and return the exit code."""
    args = _parser().parse_args(argv)
    logs.set_up("warn", "logfmt")
    try:
        settings = load(args.config_file)
        aim = orders.aim(args.target) if args.target else None
    except SettingsError as error:
        return _complain(2, *error.problems)
    except OrderError as error:
        return _complain(2, f"--target={error}")
    if args.set and not args.stanza:
        return _complain(2, "--set: a backup belongs to one stanza: add --stanza")
    if not settings.is_local:
        return _complain(
            2,
            "pgbackrest.command leads to another host, but PostgreSQL has to run where the files are:"
            " run restore-test over there",
        )
    try:
        conf = pgbackrest_conf.read(
            settings.pgbackrest.config, settings.pgbackrest.config_include_path, os.environ
        )
    except ConfError as error:
        return _complain(3, str(error))
    wanted = [args.stanza] if args.stanza else sorted(settings.stanzas or conf.stanzas)
    if not wanted:
        return _complain(2, "pgbackrest.conf names no stanza: add one, or --stanza")
    work = [
        Order(stanza=name, repo=args.repo, label=args.set, aim=aim, keep_on_failure=args.keep_on_failure)
        for name in wanted
    ]
    return asyncio.run(_prove_all(settings, conf, work, args.to))


async def _prove_all(settings: Settings, conf: PgBackRestConf, work: Sequence[Order], to: Path | None) -> int:
    """Test one stanza after the other; a signal ends the one that runs, and no other begins."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - we are one
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    tests = settings.restore_tests
    scratch = to or Path(tests.to or f"{settings.state_path}/restore")
    where = Path(settings.restore_test_records)
    codes: list[int] = []
    for order in work:
        report = Console()
        report.line(f"restore test of stanza {order.stanza}")
        try:
            proof = await prove(settings, conf, order, to=scratch.absolute(), where=where, report=report)
        except RecordError as error:
            codes.append(_complain(3, str(error)))
            continue
        codes += proof.exit_codes
        if proof.interrupted:
            break
    return next(code for code in _WORST_FIRST if code in codes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pgbackrest-exporter restore-test",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--config.file", type=Path, metavar="FILE", dest="config_file", help="settings, YAML; default: none")
    add("--stanza", metavar="NAME", help="default: all, one after the other")
    add("--repo", type=int, metavar="N", help="default: the one that was tested longest ago")
    add("--set", metavar="LABEL", help="the backup; default: the newest that fits")
    add(
        "--target",
        metavar="TARGET",
        help="latest (to the end of the archive), immediate (no further than the backup), random, or"
        " time=2026-11-22 10:00:00+00; default: that of restore_tests.targets that was tested longest ago",
    )
    add("--to", type=Path, metavar="DIR", help="the scratch folder; default: restore_tests.to")
    add("--keep-on-failure", action="store_true", help="leave the files of a failed test to be looked at")
    return parser


def _complain(code: int, *lines: str) -> int:
    with suppress(OSError):  # a file on a full disk
        for line in lines:
            print(f"pgbackrest-exporter restore-test: {line}", file=sys.stderr)
    return code
