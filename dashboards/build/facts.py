"""What the boards conclude from the metrics: each as a value, and as a level: 0 fine, 1 look today, 2 act now."""

from typing import Final

from dashboards.build.query import REPO, STANZA, age, least, level, of, over, threshold, worst

# Every stanza that must be there or is; the info document may be unreadable, and it still is expected.
STANZAS: Final = f"({worst(of('stanza_expected'))} or {worst(of('stanza_ok'))})"

# A repository from which this moment can be reached: readable, with a backup of the current database, no hole in the
# WAL since.
_READABLE: Final = worst(of("repo_ok", repo=True), REPO)
_HOLES: Final = worst(of("wal_archive_missing_segments", 'position="newest"', repo=True), REPO)
_USABLE: Final = (
    f"({_READABLE} == 1 and on ({REPO}) {worst(of('backup_last_completion_timestamp_seconds', repo=True), REPO)}"
    f" unless on ({REPO}) {_HOLES} > 0)"
)
RECOVERABLE: Final = (
    f"(2 + 0 * ({STANZAS} unless on ({STANZA}) {_USABLE})"
    f" or 1 + 0 * ({STANZAS} and on ({STANZA}) ({_READABLE} unless on ({REPO}) {_USABLE}))"
    f" or 0 * {STANZAS})"
)


def _lag(source: str) -> str:
    found = of("wal_archive_lag_seconds", f'source="{source}"')
    return f"max without (source) ({found})"


# PostgreSQL's own word counts, what the repository and Patroni let conclude only without it.
LAG: Final = f"({worst(_lag('postgresql'))} or {worst(_lag('repository'))})"
LAG_LEVEL: Final = (
    f"({level(_lag('postgresql'), 'wal_archive_lag')} or {level(_lag('repository'), 'wal_archive_lag')})"
)


def lag_over(severity: str) -> str:
    """Return the lags over a threshold."""
    concluded = over(_lag("repository"), "wal_archive_lag", severity)
    return (
        f"({over(_lag('postgresql'), 'wal_archive_lag', severity)}"
        f" or {concluded} unless on ({STANZA}) {_lag('postgresql')})"
    )


def _age(full: bool) -> str:
    matchers = ['backup_type="full"'] if full else []
    return f"min without (backup_type) ({of('backup_age_seconds', *matchers, repo=True)})"


def _freshness(full: bool) -> str:
    """Return the level of each repository; one without such a backup is critical, unless the signal is off."""
    signal = "full_backup" if full else "backup"
    none = f"2 + 0 * ({threshold(signal, 'critical', repo=True)} < Inf)"
    return f"({level(_age(full), signal, by=REPO)} or {worst(none, REPO)})"


BACKUP: Final = worst(_age(full=False), REPO)
BACKUP_LEVEL: Final = _freshness(full=False)
FULL: Final = worst(_age(full=True), REPO)
FULL_LEVEL: Final = _freshness(full=True)

_WINDOW: Final = f"({age(of('recovery_window_start_timestamp_seconds', repo=True))})"
WINDOW: Final = worst(_WINDOW, REPO)
WINDOW_LEVEL: Final = level(_WINDOW, "recovery_window", by=REPO, below=True)


def window_under(severity: str) -> str:
    """Return the windows, in seconds, that are shorter than a threshold."""
    return over(_WINDOW, "recovery_window", severity, by=REPO, below=True)


_ESTIMATE: Final = of("recovery_time_estimate_seconds", repo=True)
ESTIMATE: Final = worst(_ESTIMATE, REPO)
ESTIMATE_LEVEL: Final = level(_ESTIMATE, "recovery_time", by=REPO)


def estimate_over(severity: str) -> str:
    """Return the times to restore over a threshold."""
    return over(_ESTIMATE, "recovery_time", severity, by=REPO)


_PROVEN: Final = (
    f"(time() - max without (repo, target) ({of('restore_test_last_success_timestamp_seconds')}))"
)
_NEVER: Final = worst(f"1 + 0 * ({threshold('restore_test', 'critical')} < Inf)")
_FAILED: Final = least(worst(of("restore_test_success"), f"{REPO}, target"))
PROVEN: Final = least(_PROVEN)
PROVEN_LEVEL: Final = f"(2 + 0 * ({_FAILED} == 0) or {level(_PROVEN, 'restore_test')} or {_NEVER})"

_KIND: Final = f"{STANZA}, command, backup_type, repo"


def newest_run(name: str) -> str:
    """Return the moment of the newest run of each kind; hosts see only their own, the newest counts."""
    return worst(of(f"run_last_{name}_timestamp_seconds", 'command="backup"'), _KIND)


# 1: the newest run of some kind of backup failed; the age of the backups says whether that is dangerous.
RUN_LEVEL: Final = (
    f"max by ({STANZA}) (({newest_run('failure')} > bool {newest_run('success')})"
    f" or 1 + 0 * {newest_run('failure')} or 0 * {newest_run('success')})"
)

# Shares of the capacity. The stanza is empty where all stanzas share the repository.
_ROOM: Final = (
    f"({of('repo_used_bytes', repo=True, shared=True)} / ({of('repo_used_bytes', repo=True, shared=True)}"
    f" + {of('repo_available_bytes', repo=True, shared=True)}))"
)
USED: Final = worst(_ROOM, REPO)
USED_LEVEL: Final = level(_ROOM, "repo_used", by=REPO, unit="ratio")


def used_over(severity: str) -> str:
    """Return the shares of a capacity over a threshold."""
    return over(_ROOM, "repo_used", severity, by=REPO, unit="ratio")


def _signal(name: str, levels: str) -> str:
    return f'label_replace({levels}, "signal", "{name}", "", "")'


# What asks for a hand at once, cheap enough to be asked for every hour of a week.
HISTORY: Final = "max by ({}) ({} or {} or {})".format(
    STANZA,
    _signal("lag", LAG_LEVEL),
    _signal("backup", f"max by ({STANZA}) ({BACKUP_LEVEL})"),
    _signal("ok", f"2 - 2 * {worst(of('stanza_ok'))}"),
)
