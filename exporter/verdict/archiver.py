"""Whether what the database writes reaches the repository: PostgreSQL's archiver, and who leads the cluster."""

from collections.abc import Iterator

from exporter.human import moment, span
from exporter.model.archiver import Archiver, Archiving
from exporter.model.patroni import Topology
from exporter.settings import Threshold
from exporter.snapshot import Snapshot
from exporter.verdict.scale import Finding, against


def findings(stanza: str, snapshot: Snapshot, now: float) -> Iterator[Finding]:
    """Yield what is amiss with the archiving of *stanza*, and with its cluster."""
    archiver, cluster = snapshot.archiver.get(stanza), snapshot.patroni.get(stanza)
    if cluster is not None and cluster.value is not None:
        yield from _cluster(cluster.value.topology)
    if archiver is not None and archiver.value is not None:
        yield from _archiver(archiver.value, snapshot.settings.threshold("wal_archive_lag", stanza), now)


def _archiver(archiver: Archiver, lag: Threshold, now: float) -> Iterator[Finding]:
    if archiver.spool_errors:
        yield Finding("warning", "Asynchronous archiving leaves errors in its spool folder.")
    if archiver.behind is not None:
        verdict = against(now - archiver.behind, lag)
        if verdict != "ok":
            yield Finding(
                verdict,
                f"WAL that Patroni's leader has written waits to be archived, for {span(now - archiver.behind)}."
                " Name the databases under stanzas.NAME.postgresql to know more.",
            )
    if archiver.archiving is not None:
        yield from _archiving(archiver.archiving, lag, now)


# Clocks that differ by more, in seconds, make lags and ages wrong by as much.
_SKEW = 60.0


def _archiving(archiving: Archiving, lag: Threshold, now: float) -> Iterator[Finding]:
    if archiving.hindrance is not None:
        yield Finding("critical", f"No WAL is archived: {archiving.hindrance}.")
    if archiving.oldest_ready is not None:
        waits = max(0.0, now - archiving.oldest_ready)
        verdict = against(waits, lag)
        if verdict != "ok":
            count = archiving.ready_segments
            files = (
                "One complete WAL segment waits" if count == 1 else f"{count:,} complete WAL segments wait"
            )
            yield Finding(
                verdict,
                f"{files} to be archived, for {span(waits)}: if the primary is lost now, so is what was written since.",
            )
    if abs(archiving.clock_skew) >= _SKEW:
        skew = span(abs(archiving.clock_skew))
        yield Finding("warning", f"The clocks of {archiving.server} and of the exporter differ by {skew}.")
    if archiving.failing:
        when = "" if archiving.last_failed is None else f", at {moment(archiving.last_failed)}"
        yield Finding("warning", f"The last attempt to archive failed{when}: PostgreSQL's log tells why.")


def _cluster(topology: Topology) -> Iterator[Finding]:
    if topology.has_leader is False:
        yield Finding("critical", "Patroni's cluster has no leader.")
    if not topology.dcs_reachable:
        yield Finding("warning", "Patroni cannot reach its configuration store.")
    if topology.paused:
        yield Finding("warning", "Patroni is paused: it does not fail over.")
