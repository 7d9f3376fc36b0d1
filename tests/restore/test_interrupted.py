"""Interrupted in each phase, politely and not: no process stays, and no file that the next run does not remove."""

import signal
from pathlib import Path

import pytest

from exporter.model.restore_tests import PHASES
from tests.lab.lab import Lab
from tests.lab.program import until
from tests.lab.stanza import Stanza
from tests.restore.interruptions import at_checks, held
from tests.restore.proofs import Proofs, working_in
from tests.restore.standins import going_wrong

# When it is only cleaning up, the backup is proven.
CODES = dict.fromkeys(PHASES, 3) | {"clean_up": 0}


def servers(folder: Path) -> list[int]:
    """The processes of PostgreSQL below a folder."""
    return [pid for pid in working_in(folder) if program(pid) == "postgres"]


def program(pid: int) -> str:
    """What a process runs, "" when it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


@pytest.mark.parametrize("phase", PHASES)
def test_sigterm_removes_everything(proofs: Proofs, sound: Stanza, phase: str) -> None:
    test = held(proofs, sound, phase)
    test.process.send_signal(signal.SIGTERM)
    test.let_go()
    said, _ = test.process.communicate(timeout=30)
    assert test.process.returncode == CODES[phase], said
    assert (f"it was interrupted in the phase {phase}" in said) == (phase != "clean_up")
    assert proofs.leftovers() == []


def test_what_a_silent_repository_leaves_unknown_is_told_with_the_result(
    lab: Lab, proofs: Proofs, sound: Stanza
) -> None:
    """It can be listed before, and not after the server was promoted."""
    note = proofs.scratch / "listed"
    silence = f'test ! -e {note} && touch {note} || {{ echo "the store is away" >&2; exit 42; }}'
    command = going_wrong(lab.path, "falls-silent", when="repo-ls", then=silence)
    process = at_checks(proofs, sound, command=command).process
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=30)
    note.unlink()
    record = proofs.read(proofs.records(sound)[-1])
    words = "it was interrupted in the phase checks; whether it left anything in the repository is not known"
    assert (process.returncode, record["words"]) == (3, words), said
    (check,) = (one for one in record["checks"] if one["name"] == "repository_unchanged")
    assert check["state"] == "skipped"
    assert "the store is away" in check["words"]
    assert proofs.leftovers() == []


def test_after_sigkill_in_any_phase_postgresql_ends_and_the_next_run_removes_the_files(
    proofs: Proofs, sound: Stanza
) -> None:
    """Each run is the next one of the run before, until one is let through."""
    for phase in PHASES:
        test = held(proofs, sound, phase)
        test.process.kill()
        test.let_go()
        test.process.communicate(timeout=30)
        assert (proofs.scratch / sound.name).is_dir()
        until(lambda: not servers(proofs.scratch), within=30, what=f"end of PostgreSQL, killed in {phase}")
    outcome = proofs.run(sound, "--target=immediate", amcheck="off")
    assert outcome.code == 0, outcome.said
    assert "removed what an earlier run" in outcome.said
    assert proofs.leftovers() == []


def test_two_at_once_are_one(proofs: Proofs, sound: Stanza) -> None:
    first = held(proofs, sound, "checks").process
    second = proofs.run(sound)
    assert second.code == 3
    assert "another restore test of stanza sound runs" in second.said
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=30)
    assert first.returncode == 3
