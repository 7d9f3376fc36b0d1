"""Which alerts each scene brings, all the way to the people who are told: no others may come."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

RECEIVERS = MappingProxyType({"critical": "pagerduty", "warning": "slack", "info": "slack"})
"""Who is told, by severity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Alerts as name/severity. The warning of one that is expected as critical may always come before it."""

    comes: frozenset[str] = frozenset()
    """Each of them comes, and is over again after the healing."""
    then: frozenset[str] = frozenset()
    """These come by the healing."""
    may: frozenset[str] = frozenset()
    """Rightful, too, but they depend on the machine: whether it lasts that long, or which resolves first, the one that
    inhibits or the other."""
    leaves: frozenset[str] = frozenset()
    """May come from here on, and last until a scene *mends* them."""
    mends: frozenset[str] = frozenset()

    def permits(self, alert: str) -> bool:
        """Whether somebody may be told that during the scene."""
        name, _, severity = alert.rpartition("/")
        expected = self.comes | self.then | self.may
        return alert in expected or (severity == "warning" and f"{name}/critical" in expected)


def _each(text: str) -> frozenset[str]:
    return frozenset(text.split())


NOTHING = Expected()
# Archiving that stands still is told by these two sooner or later, whatever stops it.
_STUCK = _each("WalArchiveFailing/warning WalArchiveLag/warning WalArchiveLag/critical")
# One repository gets no more WAL while the other does.
_BEHIND = _each("ReposDiverge/warning")
_DROPPED = _each("WalDropped/critical WalMissing/critical WalMissing/warning")

EXPECTED: Mapping[str, Expected] = MappingProxyType(
    {
        # Nobody is told anything.
        "a backup of a replica": NOTHING,
        "a burst of WAL": NOTHING,
        "expire on an idle cluster": NOTHING,
        "a replica is down on an idle cluster": NOTHING,
        "idle for more than a minute, archive_timeout 60s": NOTHING,
        "a switchover": NOTHING,
        "a promoted primary stays idle, archive_timeout 0": NOTHING,
        "the exporter restarts on an idle cluster": NOTHING,
        "Prometheus restarts": NOTHING,
        "a replica is made anew by pgBackRest": NOTHING,
        "a backup runs long": NOTHING,
        # A failover that goes well is no alarm; with nobody leading for long, and nobody to ask, it is told.
        "the primary dies": Expected(may=_each("ClusterNoLeader/warning CollectorFailing/warning")),
        # The exporter.
        "the exporter is killed": Expected(
            comes=_each("ExporterDown/critical"), may=_each("StanzaUnwatched/critical")
        ),
        # Backups.
        "a backup meets the lock of another": Expected(comes=_each("BackupFailed/warning")),
        "a backup is killed": Expected(comes=_each("BackupFailed/warning")),
        "expire fails": Expected(comes=_each("ExpireFailed/warning")),
        "a stop file": Expected(comes=_each("StanzaStopped/warning"), may=_STUCK),
        "a damaged page": Expected(comes=_each("BackupPageErrors/critical")),
        "a restore test fails": Expected(
            comes=_each("RestoreTestFailed/critical"), then=_each("RestoreTestPassed/info")
        ),
        # Archiving.
        "archive-push-queue-max drops WAL, synchronously and asynchronously": Expected(
            comes=_each("WalDropped/critical"), may=_STUCK, leaves=_DROPPED
        ),
        "what was dropped is a hole in both repositories": Expected(
            comes=_each("WalMissing/critical"), mends=_DROPPED
        ),
        "a bad archive_command": Expected(comes=_each("WalArchiveFailing/warning WalArchiveLag/critical")),
        "an archive_command that hangs": Expected(comes=_each("WalArchiveLag/critical")),
        "no archive_command": Expected(comes=_each("WalArchiveOff/critical")),
        "a segment is lost in repository 1": Expected(comes=_each("WalMissing/critical")),
        # Repositories.
        "a full repository": Expected(
            comes=_each("RepoSpaceLow/critical WalArchiveFailing/warning WalArchiveLag/critical"),
            may=_BEHIND | _each("RepoSpaceTrend/warning"),
        ),
        "a repository that refuses, pushed to synchronously": Expected(may=_STUCK | _BEHIND),
        "S3 is out of reach": Expected(
            comes=_each("RepoNotOk/warning CollectorFailing/warning WalArchiveLag/critical"),
            may=_STUCK | _BEHIND,
        ),
        "a repository is not mounted": Expected(
            comes=_each("RepoNotOk/warning WalArchiveFailing/warning WalArchiveLag/critical"),
            may=_BEHIND | _each("CollectorFailing/warning"),
        ),
        "the stanza is deleted": Expected(
            comes=_each("StanzaMissing/critical"),
            # On the way there a stop file stands, and first one repository is gone, then the backups of the other.
            may=_STUCK
            | _each("CollectorFailing/warning RepoNotOk/warning StanzaStopped/warning StanzaNotOk/critical"),
        ),
        # Timelines.
        "a new primary cannot archive": Expected(
            comes=_each("TimelineNotArchived/critical WalArchiveFailing/warning WalArchiveLag/critical"),
        ),
        "a restored copy archives by mistake": Expected(
            comes=_each("TimelineStray/critical"),
            may=_each("WalMissing/critical WalMissing/warning ReposDiverge/warning"),
        ),
    }
)
