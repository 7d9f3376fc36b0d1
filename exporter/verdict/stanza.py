"""One verdict for a stanza, from all that is known of it."""

from exporter.model.info import Stanza
from exporter.snapshot import Snapshot
from exporter.verdict.backups import judge_repository
from exporter.verdict.scale import Verdict, worst


def judge(stanza: Stanza, snapshot: Snapshot, now: float) -> Verdict:
    """Judge by the repositories: one good copy keeps a stanza out of danger, a bad one wants a look."""
    verdicts = [judge_repository(stanza, repo, snapshot, now) for repo in stanza.repos]
    if stanza.status is None or not verdicts or all(verdict == "critical" for verdict in verdicts):
        return "critical"
    return "warning" if "critical" in verdicts or not stanza.status.ok else worst(verdicts)
