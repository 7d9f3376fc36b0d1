"""What a check may look at: the restored server, what was restored, and what production said before."""

from dataclasses import dataclass
from pathlib import Path

from exporter.restore.binaries import Binaries
from exporter.restore.choice import Choice
from exporter.restore.controldata import ControlData
from exporter.restore.findings import Findings
from exporter.restore.production import Production
from exporter.restore.replay import Recovered
from exporter.restore.workplace import Workplace
from exporter.settings.restore_tests import RestoreTests


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One restored and promoted server."""

    choice: Choice
    place: Workplace
    binaries: Binaries
    control: ControlData
    recovered: Recovered
    production: Production
    settings: RestoreTests
    findings: Findings

    @property
    def reached(self) -> float:
        """The moment to which the data was recovered, in seconds since the epoch: at least the backup's end."""
        return self.recovered.last_transaction or self.choice.backup.stop

    @property
    def socket(self) -> Path:
        """Where the restored server listens."""
        return self.place.socket

    @property
    def role(self) -> str:
        """The superuser to connect as."""
        return self.settings.user
