"""One verdict for a stanza, from all that is known of it."""

from collections.abc import Iterator

from exporter.model.info import Repository, Stanza
from exporter.snapshot import Snapshot
from exporter.verdict import archiver, repository, restore_tests, runs
from exporter.verdict.backups import judge_backups_of
from exporter.verdict.scale import Finding, Verdict, worst
from exporter.wal.outlook import outlooks


def judge(stanza: Stanza, snapshot: Snapshot, now: float) -> Verdict:
    """Judge by the repositories and by what was found beside them.

    One good copy keeps a stanza out of danger, a bad one wants a look.
    """
    verdicts = [judge_repository(stanza, repo, snapshot, now) for repo in stanza.repos]
    others = [finding.verdict for finding in findings(stanza.name, snapshot, now)]
    if stanza.status is None or not verdicts or all(verdict == "critical" for verdict in verdicts):
        return "critical"
    if "critical" in verdicts or not stanza.status.ok:
        return worst(("warning", *others))
    return worst((*verdicts, *others))


def judge_repository(stanza: Stanza, repo: Repository, snapshot: Snapshot, now: float) -> Verdict:
    """Judge one repository of a stanza: whether it can be read, how old its backups are, whether its WAL is whole."""
    found = (finding.verdict for finding in repository_findings(stanza.name, repo.key, snapshot, now))
    return worst((judge_backups_of(stanza, repo, snapshot, now), *found))


def findings(stanza: str, snapshot: Snapshot, now: float) -> Iterator[Finding]:
    """Yield what concerns the stanza as a whole."""
    yield from archiver.findings(stanza, snapshot, now)
    yield from runs.findings(stanza, snapshot)
    yield from restore_tests.findings(stanza, snapshot, now)


def repository_findings(stanza: str, repo: int, snapshot: Snapshot, now: float) -> Iterator[Finding]:
    """Yield what concerns one repository of it."""
    for outlook in outlooks(snapshot):
        if (outlook.held.stanza, outlook.held.repo) == (stanza, repo):
            yield from repository.findings(outlook, snapshot, now)
