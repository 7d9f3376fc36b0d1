"""The metrics, as one table: every name, its help, its labels and its value, declared once."""

from typing import Any

from exporter.metrics import (
    archiver,
    backups,
    exporter,
    info,
    patroni,
    policy,
    repository,
    restore_tests,
    runs,
)
from exporter.table import Group

GROUPS: tuple[Group[Any], ...] = (
    *info.GROUPS,
    *backups.GROUPS,
    *archiver.GROUPS,
    *runs.GROUPS,
    *patroni.GROUPS,
    *restore_tests.GROUPS,
    *repository.GROUPS,
    *policy.GROUPS,
    *exporter.GROUPS,
)
