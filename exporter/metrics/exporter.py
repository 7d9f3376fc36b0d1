"""The exporter itself: its version, its collectors, its settings."""

import platform
from collections.abc import Iterator
from typing import Any

from exporter import __version__
from exporter.snapshot import Reading, Reload, Snapshot
from exporter.table import Group, Metric, Part, Row, one


def _each_reading(snapshot: Snapshot) -> Iterator[Part]:
    for name, readings in snapshot.readings().items():
        for stanza, reading in readings.items():
            yield name, stanza, reading


def _each_collector(snapshot: Snapshot) -> Iterator[Part]:
    yield from ((name, stanza, True) for name, readings in snapshot.readings().items() for stanza in readings)
    yield from ((off.collector, off.stanza, False) for off in snapshot.off)


def _collectors(collector: str, stanza: str, enabled: bool) -> Iterator[Row[bool]]:
    yield (collector, stanza), enabled


def _readings(collector: str, stanza: str, reading: Reading[Any]) -> Iterator[Row[Reading[Any]]]:
    yield (collector, stanza), reading


def _build() -> Iterator[Row[None]]:
    yield (__version__, platform.python_version()), None


def _reloads(reload: Reload) -> Iterator[Row[Reload]]:
    yield (), reload


GROUPS: tuple[Group[Any], ...] = (
    Group(
        labels=("version", "python_version"),
        parts=lambda _: [()],
        rows=_build,
        metrics=(Metric("exporter_build_info", "1. The exporter's own version.", one),),
    ),
    Group(
        labels=("collector", "stanza"),
        parts=_each_collector,
        rows=_collectors,
        metrics=(
            Metric[bool](
                "exporter_collector_enabled",
                "1: it runs. 0: it is off, the status page says why. "
                'stanza is "" for a collector that reads all at once.',
                lambda enabled: enabled,
            ),
        ),
    ),
    Group(
        labels=("collector", "stanza"),
        parts=_each_reading,
        rows=_readings,
        metrics=(
            Metric[Reading[Any]](
                "exporter_collector_success",
                "1: the last reading worked. 0: it failed, or there was none yet.",
                lambda reading: reading.success,
            ),
            Metric[Reading[Any]](
                "exporter_collector_duration_seconds",
                "Duration of the last reading.",
                lambda reading: reading.took,
            ),
            Metric[Reading[Any]](
                "exporter_collector_last_success_timestamp_seconds",
                "When a reading worked last, seconds since the epoch.",
                lambda reading: reading.succeeded,
            ),
            Metric[Reading[Any]](
                "exporter_collector_errors_total",
                "Readings that failed.",
                lambda reading: reading.errors,
                "counter",
            ),
        ),
    ),
    Group(
        labels=(),
        parts=lambda snapshot: [(snapshot.reload,)],
        rows=_reloads,
        metrics=(
            Metric[Reload](
                "exporter_config_reload_success",
                "1: the settings in force are those of the file. 0: the file was refused at the last reload.",
                lambda reload: reload.error is None,
            ),
            Metric[Reload](
                "exporter_config_reload_timestamp_seconds",
                "When the settings were loaded last, refused or not, seconds since the epoch.",
                lambda reload: reload.at,
            ),
        ),
    ),
)
