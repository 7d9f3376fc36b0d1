"""A restore test that has come to a phase and stays there, as long as nobody interrupts it."""

import os
import signal
import subprocess  # noqa: TID251 - the test is outside of the exporter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.postgresql import PORT, binaries
from tests.lab.program import LabError, until
from tests.lab.stanza import Stanza
from tests.restore.proofs import Proofs, dsn, working_in
from tests.restore.standins import going_wrong, halting

# A pgbackrest that hangs at this command holds the test in that phase.
_HANGING: Mapping[str, str] = {
    "prepare": "repo-ls",
    "canary": "-1/0",  # the listing of a folder of segments, for the canary's
    "restore": "--set=",
    "replay": "archive-get",
}
_SLOW_QUERY = [{"name": "slow", "query": "select true from pg_sleep(60)"}]
_CANCEL = "select pg_cancel_backend(pid) from pg_stat_activity where query = 'select true from pg_sleep(60)'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The test's process. After a signal *let_go* ends what would only make it wait for a time-out."""

    process: subprocess.Popen[str]
    let_go: Callable[[], None] = lambda: None


def held(proofs: Proofs, stanza: Stanza, phase: str) -> Held:
    """Start a test and wait until it is in *phase*."""
    if phase in _HANGING:
        return _at_pgbackrest(proofs, stanza, phase)
    ways = {"checks": at_checks, "stop": _at_stop, "checksums": _at_checksums, "clean_up": _at_clean_up}
    return ways[phase](proofs, stanza)


def at_checks(proofs: Proofs, stanza: Stanza, **settings: Any) -> Held:
    """The same for the phase checks, with other settings."""
    process = _start(proofs, stanza, queries=_SLOW_QUERY, **settings)
    _read_to(process, "extensions")
    return Held(process=process)


def _at_pgbackrest(proofs: Proofs, stanza: Stanza, phase: str) -> Held:
    reached = proofs.scratch / phase
    command = going_wrong(
        proofs.lab.path, f"hangs-{phase}", when=_HANGING[phase], then=f"touch {reached}; exec sleep 60"
    )
    canary = {"canary": True, "postgresql": dsn(stanza)} if phase == "canary" else {}
    process = _start(proofs, stanza, command=command, **canary)
    until(reached.exists, within=60, what=f"phase {phase}")
    reached.unlink()
    return Held(process=process)


def _at_stop(proofs: Proofs, stanza: Stanza) -> Held:
    """PostgreSQL does not end: its checkpointer, which has to write the last checkpoint, stands still."""
    process = at_checks(proofs, stanza).process
    (checkpointer,) = (pid for pid in working_in(proofs.scratch) if "checkpointer" in _title(pid))
    os.kill(checkpointer, signal.SIGSTOP)
    socket = proofs.scratch / stanza.name / "socket"
    argv = (str(binaries() / "psql"), "-XAtq", "-h", str(socket), "-p", str(PORT), "-U", "postgres")
    until(lambda: _cancelled(proofs, argv), within=30, what="the query to cancel")
    _read_to(process, "-- stop")
    return Held(process=process, let_go=lambda: os.kill(checkpointer, signal.SIGKILL))


def _at_checksums(proofs: Proofs, stanza: Stanza) -> Held:
    major = stanza.cluster.major
    process = _start(proofs, stanza, binaries={major: halting(proofs.lab.path, binaries(), "pg_checksums")})
    _read_to(process, "-- checksums")
    # There the next test finds what outlives this one.
    until(lambda: working_in(proofs.scratch), within=30, what="pg_checksums works in the folder")
    return Held(process=process)


def _at_clean_up(proofs: Proofs, stanza: Stanza) -> Held:
    """Something that PostgreSQL has left behind does not mind SIGQUIT, with which clean-up begins."""
    note = proofs.scratch / "stubborn"
    # A shell lets what runs in the background ignore it.
    stays = f"test -e {note} || {{ sleep 60 </dev/null >/dev/null 2>&1 & echo $! >{note}; }}"
    command = going_wrong(proofs.lab.path, "leaves-something", when="archive-get", then=stays)
    process = _start(proofs, stanza, command=command)
    _read_to(process, "-- clean_up")
    pid = int(note.read_text())
    note.unlink()
    return Held(process=process, let_go=lambda: os.kill(pid, signal.SIGKILL))


def _start(proofs: Proofs, stanza: Stanza, **settings: Any) -> subprocess.Popen[str]:
    return proofs.start(stanza, **{"amcheck": "off", **settings})


def _read_to(process: subprocess.Popen[str], words: str) -> None:
    """Read what the test says until it says so."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if words in line:
            return
    raise AssertionError(f"it ended before it said {words!r}:\n{''.join(said)}")


def _cancelled(proofs: Proofs, psql: Sequence[str]) -> bool:
    """Whether the slow query was cancelled; a server that is stopped at once ends the connection before it answers."""
    try:
        return proofs.lab.as_account(*psql, "-d", "postgres", "-c", _CANCEL).strip() == "t"
    except LabError as error:
        return "terminating connection due to administrator command" in str(error)


def _title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""
