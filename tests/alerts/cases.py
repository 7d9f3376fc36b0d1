"""All cases."""

from tests.alerts import cases_backup, cases_exporter, cases_wal

CASES = (*cases_exporter.CASES, *cases_backup.CASES, *cases_wal.CASES)
