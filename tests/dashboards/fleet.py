"""An invented fleet: what exporters would have served about it at any second, with something wrong in some stanzas.

Everything is a function of the second, so that a month can be written in blocks, and the same second always has the
same values.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.dashboards.schedule import DAY, GB, HOUR, WEEK, Backup, schedule, wave

Key = tuple[str, tuple[tuple[str, str], ...]]

NAMES = ("orders", "billing", "crm", "warehouse", "sessions", "reporting", "identity", "search")
THRESHOLDS = {
    "backup": (26 * HOUR, 50 * HOUR),
    "full_backup": (8 * DAY, 15 * DAY),
    "recovery_window": (14 * DAY, 7 * DAY),
    "recovery_time": (6 * HOUR, 8 * HOUR),
    "wal_archive_lag": (300, 600),
    "backup_duration": (12 * HOUR, 24 * HOUR),
    "restore_test": (8 * DAY, 15 * DAY),
}
PER_STANZA = {"wal_archive_lag", "backup_duration", "restore_test"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Stanzas in two repositories, watched by *exporters*; *end* is the moment at which the faults stand."""

    stanzas: int
    end: int
    exporters: int = 2
    catalogue: bool = True

    def name(self, index: int) -> str:
        """The stanza's name; the first ones have words."""
        return NAMES[index] if index < len(NAMES) else f"shop-{index:02}"

    def at(self, second: int) -> Iterator[tuple[Key, float]]:
        """What all exporters serve at this second."""
        seen = list(self._of_exporter(second))
        for exporter in range(self.exporters):
            target = {"job": "pgbackrest", "instance": f"repo{exporter + 1}.example.org:9854"}
            for family, labels, value in seen:
                yield (f"pgbackrest_{family}", tuple({**target, **labels}.items())), value
            yield ("up", tuple(target.items())), 1

    def _of_exporter(self, now: int) -> Iterator[tuple[str, Mapping[str, str], float]]:
        yield "exporter_build_info", {"version": "1.0.0", "python_version": "3.11.2"}, 1
        yield "exporter_config_reload_success", {}, 1
        for collector in ("info", "repository", "runs", "restore_tests"):
            yield from self._collector(now, collector, "")
        for index in range(self.stanzas):
            stanza = {"stanza": self.name(index)}
            for collector in ("archiver", "patroni"):
                yield from self._collector(now, collector, stanza["stanza"])
            for family, labels, value in self._of_stanza(now, index):
                yield family, {**stanza, **labels}, value

    def _collector(
        self, now: int, collector: str, stanza: str
    ) -> Iterator[tuple[str, Mapping[str, str], float]]:
        labels = {"collector": collector, "stanza": stanza}
        yield "exporter_collector_enabled", labels, 1
        yield "exporter_collector_success", labels, 1
        yield "exporter_collector_last_success_timestamp_seconds", labels, now - 20
        yield "exporter_collector_duration_seconds", labels, 0.2 + 0.6 * wave(now, 5 * HOUR, len(collector))
        yield "exporter_collector_errors_total", labels, now // (3 * DAY)

    def _of_stanza(self, now: int, index: int) -> Iterator[tuple[str, Mapping[str, str], float]]:
        yield "stanza_expected", {}, 1
        yield "stanza_ok", {}, 1
        yield "stanza_stopped", {}, 0
        running = index == 5 and now > self.end - HOUR
        yield "stanza_lock_held", {"command": "backup"}, running
        if running:
            labels = {"command": "backup", "repo": "1"}
            yield "stanza_progress_size_bytes", labels, 400 * GB
            yield "stanza_progress_done_bytes", labels, 400 * GB * (now - self.end + HOUR) / (2 * HOUR)
        for signal, levels in THRESHOLDS.items():
            for place in ("",) if signal in PER_STANZA else ("1", "2"):
                for severity, value in zip(("warning", "critical"), levels, strict=True):
                    yield "threshold_seconds", {"repo": place, "signal": signal, "severity": severity}, value
        for repo in (1, 2):
            for family, inside, number in self._of_repository(now, index, repo):
                yield family, {"repo": str(repo), **inside}, number
        yield from self._wal(now, index)
        yield from self._cluster(now, index)
        yield from self._runs(now, index)
        yield from self._tests(now, index)

    def _backups(self, now: int, index: int, repo: int) -> list[Backup]:
        until = now - now % DAY
        stopped = self.end - 17 * DAY if (index, repo) == (2, 2) else math.inf
        return [
            backup
            for backup in schedule(index, repo, until, 35)
            if backup.stop <= now
            and backup.start > now - 32 * DAY
            and not (backup.type == "full" and backup.start > stopped)
        ]

    def _of_repository(
        self, now: int, index: int, repo: int
    ) -> Iterator[tuple[str, Mapping[str, str], float]]:
        backups = self._backups(now, index, repo)
        yield "repo_ok", {}, 1
        yield (
            "repo_info",
            {"cipher": "aes-256-cbc" if repo == 2 else "none", "type": "s3" if repo == 2 else "posix"},
            1,
        )
        yield "backups_with_errors", {}, 0
        yield "backups_without_wal", {}, 0
        for type_ in ("full", "diff", "incr"):
            mine = [backup for backup in backups if backup.type == type_]
            labels = {"backup_type": type_}
            yield "backups", labels, len(mine)
            if mine:
                yield "backup_age_seconds", labels, now - mine[-1].stop
                for family, value in self._facts(mine[-1]):
                    yield f"backup_last_{family}", labels, value
        if self.catalogue and now > self.end - 2 * HOUR:
            for backup in backups:
                labels = {"backup_type": backup.type, "backup": backup.label}
                for family, value in self._facts(backup):
                    yield f"backup_{family}", labels, value
                segment = (
                    f"00000001000000{backup.start // DAY % 256:02X}000000{backup.start // 600 % 256:02X}"
                )
                described = {"prior": backup.prior, "wal_start": segment, "wal_stop": segment}
                yield (
                    "backup_info",
                    {**labels, **described, "database_id": "1", "backrest_version": "2.59.1"},
                    1,
                )
        yield from self._storage(now, index, repo, backups)

    def _facts(self, backup: Backup) -> Iterator[tuple[str, float]]:
        yield "start_timestamp_seconds", backup.start
        yield "completion_timestamp_seconds", backup.stop
        yield "duration_seconds", backup.duration
        yield "size_bytes", backup.size
        yield "delta_bytes", backup.size * backup.share
        yield "repo_size_bytes", backup.size * 0.27
        yield "repo_delta_bytes", backup.size * backup.share * 0.27
        yield "error", 0

    def _storage(
        self, now: int, index: int, repo: int, backups: list[Backup]
    ) -> Iterator[tuple[str, Mapping[str, str], float]]:
        kept = sum(backup.size * backup.share * 0.27 for backup in backups)
        wal = (20 + 9 * index) * GB * (0.8 + 0.4 * wave(now, WEEK, index / 7))
        yield "repo_size_bytes", {"kind": "backup"}, int(kept)
        yield "repo_size_bytes", {"kind": "archive"}, int(wal)
        capacity = 5e11 + index * 4e11
        used = (0.35 + 0.07 * (index % 5)) * capacity * (1 + 0.012 * ((now - self.end) / DAY)) + 0.06 * wal
        used = min(capacity * 0.97, used * (1.38 if (index, repo) == (3, 1) else 1))
        yield "repo_capacity_bytes", {}, capacity
        yield "repo_used_bytes", {}, used
        yield "repo_available_bytes", {}, capacity - used
        for severity, value in (("warning", 0.8), ("critical", 0.9)):
            yield "threshold_ratio", {"signal": "repo_used", "severity": severity}, value
        yield "repo_orphans", {}, index == 1
        yield "repo_orphan_bytes", {}, 3 * GB if index == 1 and now > self.end - 5 * DAY else 0
        holed = (index, repo) == (6, 2) and now > self.end - 9 * HOUR
        yield "wal_archive_missing_segments", {"position": "newest"}, 3 if holed else 0
        yield "wal_archive_missing_segments", {"position": "older"}, 0
        yield "recovery_window_start_timestamp_seconds", {}, now - 9 * HOUR if holed else backups[0].stop
        yield "recovery_window_end_timestamp_seconds", {}, now - 60 - self._lag(now, index)
        yield "wal_archive_newest_timeline", {}, self._timeline(now, index)
        yield "wal_archive_newest_history_timeline", {}, self._timeline(now, index)
        yield "wal_archive_segments_total", {}, self._segments(now, index)
        if repo == 1 or index % 2:
            size = backups[-1].size * (0.3 + 0.08 * index)
            replay = (now - backups[-1].stop) / DAY
            yield "recovery_time_estimate_seconds", {}, size / (60 * 1024**2) * (1 + replay)

    def _timeline(self, now: int, index: int) -> int:
        return 3 + (now > self.end - 6 * DAY) + (index == 4 and now > self.end - 7 * HOUR)

    def _segments(self, now: int, index: int) -> int:
        """Busy by day and quiet by night; counts from a fixed moment."""
        day = now / DAY
        return int((40 + 25 * index) * 24 * (day - 20000 + 0.1 * math.sin(2 * math.pi * day)))

    def _lag(self, now: int, index: int) -> float:
        if index == 1:
            return max(0.0, now - (self.end - 42 * 60)) if now > self.end - 42 * 60 else 0.0
        if index == 4 and self.end - 7 * HOUR < now < self.end - 7 * HOUR + 500:
            return now - (self.end - 7 * HOUR)
        return 25 * wave(now, 7000, index / 3) if wave(now, 3100, index / 4) > 0.9 else 0.0

    def _wal(self, now: int, index: int) -> Iterator[tuple[str, Mapping[str, str], float]]:
        lag = self._lag(now, index)
        failing = index == 1 and lag > 0
        yield "wal_archive_lag_seconds", {"source": "postgresql"}, lag
        yield "wal_archive_lag_bytes", {}, 16e6 * (0.1 + lag / 40)
        yield "wal_archive_ready_segments", {}, lag // 40
        yield "wal_archive_failing", {}, failing
        yield "wal_archive_enabled", {}, 1
        yield "wal_archive_spool_errors", {}, 1 if failing else 0
        yield "wal_archived_segments_total", {}, self._segments(now, index)
        yield "wal_archive_failures_total", {}, now // (5 * DAY) + lag // 60 * failing
        yield "wal_dropped_segments_total", {}, 0
        yield "postgresql_timeline", {}, self._timeline(now, index)
        yield "postgresql_clock_skew_seconds", {}, 0.02 * wave(now, 9 * HOUR, index / 9) - 0.01

    def _cluster(self, now: int, index: int) -> Iterator[tuple[str, Mapping[str, str], float]]:
        names = [f"{self.name(index)}-{number}" for number in (1, 2, 3)]
        yield "patroni_has_leader", {}, 1
        yield "patroni_paused", {}, 0
        yield "patroni_timeline", {}, self._timeline(now, index)
        yield "patroni_leader_info", {"member": names[self._timeline(now, index) % 3]}, 1
        yield "patroni_members", {"role": "leader", "state": "running"}, 1
        yield "patroni_members", {"role": "replica", "state": "streaming"}, 2

    def _runs(self, now: int, index: int) -> Iterator[tuple[str, Mapping[str, str], float]]:
        for repo in (1, 2):
            backups = self._backups(now, index, repo)
            for type_ in ("full", "diff", "incr"):
                labels = {"command": "backup", "backup_type": type_, "repo": str(repo)}
                mine = [backup for backup in backups if backup.type == type_]
                if not mine:
                    continue
                failed = self.end - 3 * DAY if (index, repo, type_) == (2, 2, "full") else None
                yield "run_last_success_timestamp_seconds", labels, mine[-1].stop
                if failed and now > failed:
                    yield "run_last_failure_timestamp_seconds", labels, failed
                    yield "runs_total", {**labels, "result": "failure"}, 1
                yield "runs_total", {**labels, "result": "success"}, now // (DAY if type_ != "full" else WEEK)
        labels = {"command": "expire", "backup_type": "", "repo": ""}
        yield "run_last_success_timestamp_seconds", labels, self._backups(now, index, 1)[-1].stop + 40

    def _tests(self, now: int, index: int) -> Iterator[tuple[str, Mapping[str, str], float]]:
        yield "restore_test_running", {}, 0
        if index == 7:
            return  # nobody ever tried
        for target in ("latest", "time") if index == 0 else ("latest",):
            labels = {"repo": "1", "target": target}
            last = self.end - self.end % DAY - (index % 3) * DAY + 4 * HOUR
            while last > now:
                last -= 2 * DAY
            proven = not (index == 3 and now > self.end - 4 * DAY)
            could = not (index == 5 and self.end - 12 * DAY < now < self.end - 10 * DAY)
            result = "proven" if proven and could else "not_proven" if could else "could_not_try"
            yield "restore_test_last_run_timestamp_seconds", labels, last
            yield "restore_test_last_success_timestamp_seconds", labels, last if proven else last - 6 * DAY
            if could:
                yield "restore_test_success", labels, proven
            for name in ("proven", "not_proven", "could_not_try", "polluted"):
                yield "restore_test_last_result", {**labels, "result": name}, name == result
            for check in ("starts", "recovered_to", "checksums", "amcheck", "query"):
                yield "restore_test_check_success", {**labels, "check": check}, proven or check != "amcheck"
            took = {"restore": 1500.0, "replay": 340.0, "start": 12.0, "checks": 260.0, "cleanup": 30.0}
            for phase, seconds in took.items():
                yield (
                    "restore_test_phase_duration_seconds",
                    {**labels, "phase": phase},
                    seconds * (1 + index / 3),
                )
            yield "restore_test_duration_seconds", labels, sum(took.values()) * (1 + index / 3)
            yield "restore_test_restored_bytes", labels, (120 + 90 * index) * GB
            yield "restore_test_replayed_wal_bytes", labels, (4 + index) * GB
            yield "restore_test_recovered_to_timestamp_seconds", labels, last - 600
            backup = schedule(index, 1, last - last % DAY, 35)[-6]
            yield "restore_test_info", {**labels, "backup": backup.label, "backup_type": backup.type}, 1
