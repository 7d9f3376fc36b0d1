"""Whether there are backups that are young enough, in each repository."""

from exporter.model.info import BACKUP_TYPES, Backup, Repository, Stanza
from exporter.snapshot import Snapshot
from exporter.verdict.scale import Verdict, against, worst

_NO_BACKUP = 2  # pgBackRest's status code


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


def judge_backups_of(stanza: Stanza, repo: Repository, snapshot: Snapshot, now: float) -> Verdict:
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
