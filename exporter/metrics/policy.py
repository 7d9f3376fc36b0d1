"""The thresholds in force, for the alert rules and the boards to compare with."""

from collections.abc import Iterable, Iterator
from typing import Any

from exporter.model.info import Stanza
from exporter.settings import SIGNALS, Settings
from exporter.snapshot import Expectation, Snapshot
from exporter.table import Group, Metric, Part, Row


def _policy(snapshot: Snapshot) -> Iterator[Part]:
    yield (snapshot.settings, snapshot.expected, *snapshot.stanzas)


def _thresholds(settings: Settings, expected: Expectation, *stanzas: Stanza) -> Iterator[Row[float]]:
    repos = {stanza.name: stanza.repos for stanza in stanzas}
    for name in sorted({*expected.stanzas, *repos}):
        for signal in SIGNALS:
            if signal.unit != "seconds":
                continue
            keys: Iterable[int | None] = [None]
            if signal.scope == "repo":
                keys = [repo.key for repo in repos.get(name, ())]
            for key in keys:
                threshold = settings.threshold(signal.name, name, key)
                labels_ = (name, "" if key is None else str(key), signal.name)
                yield (*labels_, "warning"), threshold.warning
                yield (*labels_, "critical"), threshold.critical


def _ratios(settings: Settings, expected: Expectation, *stanzas: Stanza) -> Iterator[Row[float]]:
    """Yield the rows of each stanza's own repositories; of one that all share, the strictest of its stanzas counts."""
    rows: dict[tuple[str, ...], float] = {}
    for signal in SIGNALS:
        for stanza in stanzas if signal.unit == "ratio" else ():
            for repo in stanza.repos:
                threshold = settings.threshold(signal.name, stanza.name, repo.key)
                declared = (stanza.name, repo.key) in expected.declared
                place = (stanza.name if declared else "", str(repo.key), signal.name)
                for severity, value in (("warning", threshold.warning), ("critical", threshold.critical)):
                    rows[*place, severity] = min(value, rows.get((*place, severity), value))
    yield from rows.items()


GROUPS: tuple[Group[Any], ...] = (
    Group(
        labels=("stanza", "repo", "signal", "severity"),
        parts=_policy,
        rows=_thresholds,
        metrics=(
            Metric[float](
                "threshold_seconds",
                "Where the alerts of a signal begin; +Inf is off, also for recovery_window, of which less is worse. "
                "signal is backup, full_backup, recovery_window or "
                'recovery_time for each repository, and wal_archive_lag, backup_duration or restore_test with repo "". '
                "severity is warning or critical.",
                lambda seconds: seconds,
            ),
        ),
    ),
    Group(
        labels=("stanza", "repo", "signal", "severity"),
        parts=_policy,
        rows=_ratios,
        metrics=(
            Metric[float](
                "threshold_ratio",
                "Where the alerts of a signal begin; +Inf is off. signal is repo_used, severity is warning or "
                'critical, stanza is "" where the repository is declared for all: the strictest of its stanzas counts.',
                lambda ratio: ratio,
            ),
        ),
    ),
)
