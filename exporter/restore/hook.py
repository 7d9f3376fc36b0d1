"""The hook: a command that is told of a test's result, by its environment."""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from exporter.model.restore_tests import CHECKS, Record
from exporter.programs.process import ProcessError, run

_WITHIN = 60.0


async def call(command: Sequence[str], record: Record, log: str) -> str | None:
    """Run it; return one line when it failed, which changes nothing of the result."""
    try:
        done = await run(command, within=_WITHIN, env={**os.environ, **variables(record, log)}, limit=1 << 20)
    except ProcessError as error:
        return f"hook: {error} (setting restore_tests.hook)"
    if done.exit_code:
        words = " ".join(done.stderr.decode(errors="replace").split())[-300:]
        return f"hook: {command[0]} ended with exit code {done.exit_code}: {words or 'it said nothing'}"
    return None


def variables(record: Record, log: str) -> Mapping[str, str]:
    """Return what the hook finds in its environment; what is not known is empty."""
    failed = [check for check in record.checks if check.state == "failed"]
    known = {
        "RESULT": record.result,
        "SUCCESS": {True: "1", False: "0", None: ""}[record.success],
        "STANZA": record.stanza,
        "REPO": record.repo,
        "TARGET": record.target,
        "BACKUP": record.backup,
        "WORDS": record.words,
        "FAILED_CHECKS": " ".join(check.name for check in failed),
        "DETAILS": "\n".join(f"{CHECKS.get(each.name, each.name)}: {each.words}" for each in failed),
        "DURATION_SECONDS": f"{record.ended - record.started:.0f}",
        "RESTORED_BYTES": record.restored_bytes,
        "RECOVERED_TO": _moment(record.recovered_to),
        "LOG": log,
    }
    return {f"RESTORE_TEST_{name}": "" if value is None else str(value) for name, value in known.items()}


def _moment(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
