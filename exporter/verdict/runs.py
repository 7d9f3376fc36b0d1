"""Whether pgBackRest's commands went well."""

from collections.abc import Iterator

from exporter.human import moment
from exporter.model.runs import History, Run, Runs
from exporter.runs import lastword
from exporter.snapshot import Snapshot
from exporter.verdict.scale import Finding


def findings(stanza: str, snapshot: Snapshot) -> Iterator[Finding]:
    """Yield what failed of *stanza* and was not made good since."""
    for runs in lastword.values(snapshot):
        yield from _of(stanza, runs)
    for history in lastword.histories(snapshot):
        if history.kind.stanza == stanza and history.failing and history.last_failed is not None:
            yield _failed(history, history.last_failed)


def _of(stanza: str, runs: Runs) -> Iterator[Finding]:
    if any(stop.stopped for stop in runs.stops if stop.stanza == stanza):
        yield Finding(
            "critical", "A stop file keeps every command from running: pgbackrest start removes it."
        )
    for verification in runs.verifications:
        if verification.stanza == stanza and not verification.ok:
            where = f" in repo{verification.repo}" if verification.repo else ""
            yield Finding("critical", f"The last verify found damage{where}.")


def _failed(history: History, run: Run) -> Finding:
    kind = history.kind
    what = " ".join(filter(None, (kind.backup_type, kind.command)))
    where = f" to repo{kind.repo}" if kind.repo else ""
    when = "" if run.moment is None else f" at {moment(run.moment)}"
    how = "was killed" if run.result == "killed" else "failed"
    code = "" if run.exit_code is None else f" with exit code {run.exit_code}"
    return Finding(
        "warning", f"The last {what}{where} {how}{when}{code}{f': {run.words}' if run.words else '.'}"
    )
