"""Which backup is tested, and how far WAL is replayed: chosen from what `pgbackrest info` lists, and then pinned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from exporter import wal
from exporter.model.info import Archive, Backup, Database, Stanza
from exporter.model.restore_tests import Target
from exporter.restore.order import KINDS, Aim, Order

_TARGETS: Mapping[str, Target] = {
    "latest": "latest", "time": "time", "random": "time", "immediate": "immediate"
}  # fmt: skip


class ChoiceError(Exception):
    """There is nothing to test; the message is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One backup of one repository; *moment* (seconds since the epoch) belongs to the target "time"."""

    backup: Backup
    database: Database
    archive: Archive
    target: Target
    moment: float | None = None
    random: bool = False

    @property
    def repo(self) -> int:
        """The repository that is tested, and no other."""
        return self.backup.repo

    @property
    def wal_bytes(self) -> int | None:
        """The bytes of WAL from the backup's start to the newest archived segment."""
        return wal.bytes_between(self.backup.wal_start, self.archive.newest, self.archive.wal_segment_size)


def kind_and_repo(
    order: Order,
    stanza: Stanza,
    aims: Sequence[Aim],
    repos: Sequence[int],
    tried: Mapping[tuple[int, str], float],
) -> tuple[Aim, int]:
    """Return what to test: what was asked for, and for the rest what was tested longest ago, never before all.

    *tried* gives the last run of each repository and kind. Raises ChoiceError.
    """
    usable = [repo.key for repo in stanza.repos if _has_backup(stanza, repo.key)]
    wanted = (
        [order.repo] if order.repo is not None else [repo for repo in usable if repo in repos or not repos]
    )
    if not wanted or not set(wanted) <= set(usable):
        which = f"repository {wanted[0]}" if wanted else "no repository"
        raise ChoiceError(
            f"stanza {stanza.name}: {which} holds a backup of its current database: see pgbackrest info"
            if not wanted
            else f"stanza {stanza.name}: {which} holds no backup of its current database: see pgbackrest info"
        )
    kinds = [order.aim] if order.aim is not None else list(aims)
    pairs = [(aim, repo) for aim in kinds for repo in wanted]
    return min(pairs, key=lambda pair: (tried.get((pair[1], pair[0].kind), 0.0), KINDS.index(pair[0].kind)))


def choose(
    order: Order, stanza: Stanza, aim: Aim, repo: int, *, newest: float, whole_from: str, chance: Random
) -> Choice:
    """Pin the backup. *newest* is when the newest segment reached the archive.

    A random moment lies between the oldest backup after which WAL is kept whole (its type *whole_from*: "" any,
    else the newest full, diff or incr) and *newest*. Raises ChoiceError.
    """
    database, archive = _current(stanza, repo)
    backups = [backup for backup in stanza.backups.of(repo).backups if backup.database_id == database.id]
    if order.label is not None:
        backups = [backup for backup in backups if backup.label == order.label]
        if not backups:
            raise ChoiceError(f"stanza {stanza.name}: repository {repo} holds no backup {order.label}")
    moment = aim.moment
    if aim.kind == "random":
        moment = _random_moment(backups, newest, whole_from, chance)
    if moment is not None:
        backups = [backup for backup in backups if backup.stop < moment]
        if not backups:
            raise ChoiceError(
                f"stanza {stanza.name}: no backup of repository {repo} ended before that moment"
            )
    return Choice(
        backup=max(backups, key=lambda backup: backup.stop),
        database=database,
        archive=archive,
        target=_TARGETS[aim.kind],
        moment=moment,
        random=aim.kind == "random",
    )


def _random_moment(backups: Sequence[Backup], newest: float, whole_from: str, chance: Random) -> float:
    start = backups[0].stop
    if whole_from:
        start = max((backup.stop for backup in backups if backup.type == whole_from), default=start)
    # Later than the stop, which counts whole seconds.
    return round(chance.uniform(start + 1, max(start + 2, newest)), 3)


def _has_backup(stanza: Stanza, repo: int) -> bool:
    current = stanza.current_database(repo)
    return current is not None and any(
        backup.database_id == current.id for backup in stanza.backups.of(repo).backups
    )


def _current(stanza: Stanza, repo: int) -> tuple[Database, Archive]:
    database = stanza.current_database(repo)
    archive = next((one for one in stanza.current_archives() if one.repo == repo), None)
    if database is None or archive is None:
        raise ChoiceError(f"stanza {stanza.name}: repository {repo} has no archive of its current database")
    return database, archive
