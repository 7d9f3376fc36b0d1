"""One stanza is to be proven: a trial under its lock and with its log, then the record and the hook."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from exporter.human import span
from exporter.model.restore_tests import CHECKS, Record, Result, Target
from exporter.pgbackrest.client import Client
from exporter.pgbackrest.conf import PgBackRestConf
from exporter.programs.process import ProcessError
from exporter.restore import hook, log, records
from exporter.restore.console import Console
from exporter.restore.findings import CouldNotTryError, Findings, NotProvenError
from exporter.restore.order import Order
from exporter.restore.records import RecordError
from exporter.restore.trial import Trial
from exporter.restore.workplace import WorkplaceError
from exporter.settings import Settings

_EXIT_CODES: dict[Result, int] = {"proven": 0, "not_proven": 1, "could_not_try": 3, "polluted": 4}
_UNRECORDED = 3
"""2 is a mistake in flags or settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How one stanza's test went; *recorded* tells whether it is on record, *interrupted* whether a signal came."""

    result: Result
    recorded: bool
    interrupted: bool

    @property
    def exit_codes(self) -> tuple[int, ...]:
        """The exit codes that it asks for: a result that is not on record is none that counts as proven."""
        return (_EXIT_CODES[self.result], *((_UNRECORDED,) if not self.recorded else ()))


async def prove(
    settings: Settings, conf: PgBackRestConf, order: Order, *, to: Path, where: Path, report: Console
) -> Proof:
    """Test one stanza, and put a record below *where*; *to* is the scratch folder.

    A signal ends it early. Raises RecordError (BusyError) when it cannot even begin.
    """
    tests = settings.restore_tests
    with records.locked(where, order.stanza) as folder:
        started = time.time()
        name = records.stem(folder, started)
        trial = Trial(
            settings=settings,
            conf=conf,
            client=Client.of(settings.pgbackrest),
            order=order,
            to=to,
            folder=folder,
            findings=Findings(report),
        )
        with log.opened(folder / f"{name}.log", f"restore test of stanza {order.stanza}") as written:
            report.log_to(written)
            try:
                result, words, interrupted = await _outcome(trial)
                _tell(report, trial, result, words)
            finally:
                report.log_to(None)
        record = _record(trial, started, result, words, f"{name}.log")
        recorded = _recorded(folder, name, record, tests.history, report)
    if tests.hook and not interrupted:
        try:
            problem = await hook.call(tests.hook, record, str(folder / f"{name}.log"))
        except asyncio.CancelledError:
            interrupted, problem = True, None
        if problem:
            report.line(problem)
    return Proof(result=result, recorded=recorded, interrupted=interrupted)


def _tell(report: Console, trial: Trial, result: Result, words: str) -> None:
    report.line(_summary(result, words))
    report.line(f"   took {_times(trial.findings.phases)}")
    if trial.kept:
        report.line(f"   kept to be looked at: {trial.kept}")


def _recorded(folder: Path, name: str, record: Record, history: int, report: Console) -> bool:
    try:
        records.write(folder, name, record, history=history)
    except RecordError as error:
        report.line(str(error))
        return False
    return True


async def _outcome(trial: Trial) -> tuple[Result, str, bool]:
    """Run the trial and tell how it ended: the result, its words, and whether a signal ended it."""
    interrupted = False
    try:
        await trial.run()
        result: Result = "not_proven" if trial.findings.all_failed() else "proven"
        words = ""
    except NotProvenError as error:
        result, words = "not_proven", str(error)
    except (CouldNotTryError, ProcessError, WorkplaceError, OSError) as error:
        result, words = "could_not_try", " ".join(str(error).split())
    except asyncio.CancelledError:
        interrupted = True
        phase = trial.findings.interrupted_in
        result, words = "could_not_try", "it was interrupted" + (f" in the phase {phase}" if phase else "")
    if trial.polluted:
        result = "polluted"
    words = f"{words or _found(trial.findings)}{_unknown(trial.findings)}"
    return result, words, interrupted or trial.interrupted


def _found(findings: Findings) -> str:
    failed = findings.all_failed()
    if not failed:
        states = [check.state for check in findings.checks.values()]
        return f"{states.count('ok')} checks passed, {states.count('skipped')} skipped"
    more = f" (and {len(failed) - 1} more)" * (len(failed) > 1)
    return f"{failed[0].name}: {failed[0].words}{more}"


def _unknown(findings: Findings) -> str:
    check = findings.checks.get("repository_unchanged")
    unknown = check is not None and check.state == "skipped"
    return "; whether it left anything in the repository is not known" if unknown else ""


def _summary(result: Result, words: str) -> str:
    meaning = {
        "proven": "PROVEN: the backup restores",
        "not_proven": "NOT PROVEN",
        "could_not_try": "COULD NOT TRY",
        "polluted": "POLLUTED: the test harmed the repository",
    }
    return f"{meaning[result]}: {words}"


def _times(phases: Mapping[str, float]) -> str:
    """Return how long it took, and which phases took more than a second of that."""
    long = ", ".join(f"{name} {span(took)}" for name, took in phases.items() if took >= 1)
    return f"{span(sum(phases.values()))}{f': {long}' if long else ''}"


def _record(trial: Trial, started: float, result: Result, words: str, log: str) -> Record:
    choice, findings = trial.choice, trial.findings
    kind = trial.aim.kind if trial.aim else trial.order.aim.kind if trial.order.aim else "latest"
    target: Target = "time" if kind == "random" else kind
    order = list(CHECKS)
    return Record(
        stanza=trial.order.stanza,
        repo=choice.repo if choice else trial.order.repo,
        target=choice.target if choice else target,
        random=choice.random if choice else kind == "random",
        moment=choice.moment if choice else None,
        backup=choice.backup.label if choice else None,
        backup_type=choice.backup.type if choice else None,
        database_size=choice.backup.size if choice else None,
        pg_version=choice.database.version if choice else None,
        started=started,
        ended=time.time(),
        result=result,
        words=words,
        checks=tuple(sorted(findings.checks.values(), key=lambda check: order.index(check.name))),
        phases=dict(findings.phases),
        restored_bytes=findings.restored_bytes,
        replayed_wal_bytes=findings.replayed_wal_bytes,
        recovered_to=findings.recovered_to,
        log=log,
    )
