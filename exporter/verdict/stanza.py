"""One verdict for a stanza, from all that is known of it."""

from collections.abc import Iterator

from exporter.model.info import Stanza
from exporter.snapshot import Snapshot
from exporter.verdict.backups import judge_repository
from exporter.verdict.scale import Finding, Verdict, worst


def judge(stanza: Stanza, snapshot: Snapshot, now: float) -> Verdict:
    """Judge by the repositories and by what was found beside them.

    One good copy keeps a stanza out of danger, a bad one wants a look.
    """
    verdicts = [judge_repository(stanza, repo, snapshot, now) for repo in stanza.repos]
    others = [finding.verdict for finding in findings(stanza, snapshot, now)]
    if stanza.status is None or not verdicts or all(verdict == "critical" for verdict in verdicts):
        return "critical"
    if "critical" in verdicts or not stanza.status.ok:
        return worst(("warning", *others))
    return worst((*verdicts, *others))


def findings(stanza: Stanza, snapshot: Snapshot, now: float) -> Iterator[Finding]:
    """Yield what concerns the stanza as a whole."""
    yield from ()
