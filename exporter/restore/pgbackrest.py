"""pgBackRest as a test calls it: restore into the scratch folder, and archive-get for PostgreSQL."""

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from exporter.pgbackrest.client import Client, environment
from exporter.pgbackrest.words import failure
from exporter.programs.process import Completed
from exporter.programs.supervised import supervised
from exporter.restore.choice import Choice
from exporter.restore.findings import Reporter
from exporter.restore.workplace import Workplace

# A file that was restored, with the share of all bytes that are done by then (restoreJobResult in
# src/command/restore/restore.c); with checksum or "- exists and matches backup".
_FILE = re.compile(r"restore file .*\((?:.*, )?(\d+(?:\.\d+)?)%\)")
_NOISE = re.compile(r" DETAIL: (?:sync path|create path|.*restore file)")
_KEPT = 200


async def restore(
    client: Client,
    choice: Choice,
    place: Workplace,
    *,
    process_max: int | None,
    nice: int,
    report: Reporter,
    log: Callable[[str], None],
) -> None:
    """Restore the chosen backup; raises PgBackRestError with pgBackRest's own words, or ProcessError."""
    argv = client.argv("restore", options(choice, place, process_max))
    last: deque[str] = deque(maxlen=_KEPT)

    def hear(line: str) -> None:
        if done := _FILE.search(line):
            report.progress(float(done[1]) / 100 * choice.backup.size, choice.backup.size, "bytes")
        if not _NOISE.search(line):
            last.append(line)
            log(line)

    async with supervised(argv, hear=hear, env=environment(), cwd=str(place.path), nice=nice) as running:
        await running.wait()
    if running.exit_code:
        done_ = Completed(argv=argv, exit_code=running.exit_code, stdout="\n".join(last).encode(), stderr=b"")
        raise failure("restore", done_)


def options(choice: Choice, place: Workplace, process_max: int | None) -> Sequence[str]:
    """Return the options, each of which has a reason; all of pgbackrest.conf that could lead elsewhere is reset.

    restore deletes what lies in the spool path (restore.c). Recovery is configured by ourselves afterwards, so the
    type is the plain one: `archive-mode=off` is not written with the types none and preserve (seen in 2.45 and 2.59).
    """
    return (
        *_location(choice, place),
        f"--spool-path={place.part('spool')}",
        f"--set={choice.backup.label}",
        "--type=default",
        "--archive-mode=off",
        f"--tablespace-map-all={place.part('tablespaces')}",
        *("--no-delta", "--no-link-all", "--reset-link-map", "--reset-tablespace-map"),
        *("--reset-db-include", "--reset-db-exclude", "--reset-recovery-option"),
        *((f"--process-max={process_max}",) if process_max else ()),
        *("--log-level-console=detail", "--log-level-stderr=off", "--log-level-file=off", "--log-timestamp"),
    )


def restore_command(client: Client, choice: Choice, place: Workplace) -> Sequence[str]:
    """Return the command by which PostgreSQL fetches WAL: from the tested repository alone."""
    quiet = ("--log-level-console=off", "--log-level-stderr=warn", "--log-level-file=off")
    return (*client.argv("archive-get", (*_location(choice, place), *quiet)), "%f", "%p")


def environment_of_recovery(place: Workplace) -> Mapping[str, str]:
    """Return what PostgreSQL's environment has to hold for restore_command.

    Whether archive-get prefetches is left to pgbackrest.conf; as an option spool-path is refused where it does not.
    """
    return {**environment(), "PGBACKREST_SPOOL_PATH": str(place.part("spool"))}


def _location(choice: Choice, place: Workplace) -> Sequence[str]:
    """Return the options that restore and archive-get share: whose, from where, and private paths only."""
    return (
        f"--stanza={choice.backup.stanza}",
        f"--repo={choice.repo}",
        f"--pg1-path={place.data}",
        "--reset-pg1-host",
        f"--lock-path={place.part('lock')}",
        f"--log-path={place.part('log')}",
    )
