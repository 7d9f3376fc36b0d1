"""What is fine and what is not, by the thresholds in force: one verdict for a stanza, and for each repository."""

from collections.abc import Iterable
from typing import Literal

from exporter.model.info import BACKUP_TYPES, Backup, Repository, Stanza
from exporter.settings import Threshold
from exporter.snapshot import Snapshot

Verdict = Literal["ok", "unknown", "warning", "critical"]
_RANK: tuple[Verdict, ...] = ("ok", "unknown", "warning", "critical")

_NO_BACKUP = 2  # pgBackRest's status code


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of *verdicts*, unknown when there are none."""
    return max(verdicts, key=_RANK.index, default="unknown")


def worst_first(verdict: Verdict) -> int:
    """Return a key that sorts the worst to the top."""
    return -_RANK.index(verdict)


def against(value: float, threshold: Threshold) -> Verdict:
    """Judge a signal of which more is worse."""
    return "critical" if value > threshold.critical else "warning" if value > threshold.warning else "ok"


def newest_backups(stanza: Stanza, repo: int) -> dict[str, Backup]:
    """Return the newest backup of each type that *repo* holds of its current database."""
    current, history = stanza.current_database(repo), stanza.backups.of(repo)
    found = {type_: history.newest_of(type_, current.id if current else None) for type_ in BACKUP_TYPES}
    return {type_: backup for type_, backup in found.items() if backup is not None}


def judge_backups(stanza: Stanza, repo: int, snapshot: Snapshot, now: float) -> dict[str, Verdict]:
    """Judge the newest backup of each type: the newest of all by its age, a full by its own threshold too."""
    backups, threshold = newest_backups(stanza, repo), snapshot.settings.threshold
    last = max(backups.values(), key=lambda backup: backup.stop, default=None)
    verdicts: dict[str, Verdict] = {}
    for type_, backup in backups.items():
        age = max(0.0, now - backup.stop)
        signals = ["backup"] * (backup is last) + ["full_backup"] * (type_ == "full")
        verdicts[type_] = worst(
            ("ok", *(against(age, threshold(signal, stanza.name, repo)) for signal in signals))
        )
    return verdicts


def judge_repository(stanza: Stanza, repo: Repository, snapshot: Snapshot, now: float) -> Verdict:
    """Judge one repository of a stanza: whether it can be read, and how old its backups are."""
    if not repo.status.ok:
        return "warning" if repo.status.code == _NO_BACKUP and _in_the_making(stanza) else "critical"
    backups = newest_backups(stanza, repo.key)
    if not backups:
        return "critical"
    damaged: Verdict = "warning" if any(backup.error for backup in backups.values()) else "ok"
    without_full: Verdict = "ok" if "full" in backups else "unknown"
    return worst((*judge_backups(stanza, repo.key, snapshot, now).values(), damaged, without_full))


def _in_the_making(stanza: Stanza) -> bool:
    """Whether a backup runs, the first one for all that is known."""
    return any(lock.held for lock in stanza.locks if lock.command == "backup")


def judge(stanza: Stanza, snapshot: Snapshot, now: float) -> Verdict:
    """Judge by the repositories: one good copy keeps a stanza out of danger, a bad one wants a look."""
    verdicts = [judge_repository(stanza, repo, snapshot, now) for repo in stanza.repos]
    if stanza.status is None or not verdicts or all(verdict == "critical" for verdict in verdicts):
        return "critical"
    return "warning" if "critical" in verdicts or not stanza.status.ok else worst(verdicts)
