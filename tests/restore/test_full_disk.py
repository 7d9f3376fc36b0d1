"""A disk that fills up during a test: that is no verdict on the backup, nothing stays, and what can be is on record."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.disk import small
from tests.lab.lab import Lab
from tests.lab.stanza import Stanza
from tests.restore.proofs import Outcome, Proofs
from tests.restore.standins import going_wrong

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")

# More than the temporary files of any disk here hold.
_SPILLS = [{"name": "spills", "query": "select count(*) > 0 from generate_series(1, 50000000)"}]
_FREE = {"keep_free": "1MiB", "amcheck": "off"}


@pytest.fixture
def disk(lab: Lab) -> Iterator[Path]:
    """With room for the database and some WAL."""
    path = lab.own(lab.path / "small")
    with small(path, "192m"):
        os.chown(path, lab.account.uid, lab.account.gid)
        yield path
    path.rmdir()


def filling(lab: Lab, disk: Path, when: str) -> list[str]:
    """A pgbackrest beside which somebody's dump fills the disk, once it is called so."""
    dump = disk / "dump"
    fill = f"test -e {dump} || dd if=/dev/zero of={dump} bs=4k 2>/dev/null"
    return going_wrong(lab.path, "fills", when=when, then=fill)


def could_not_try(proofs: Proofs, disk: Path, outcome: Outcome) -> None:
    """One clear line, on record; and nothing stays but what was somebody else's."""
    assert (outcome.code, outcome.record["result"]) == (3, "could_not_try"), outcome.said
    assert outcome.failed == ["disk_space"], outcome.said
    words = outcome.record["words"]
    assert words == f"{disk / 'plain'}: its disk is full: make room there, or choose another folder (--to)"
    assert f"COULD NOT TRY: {words}\n" in outcome.said
    assert re.search(r"\n   the disk is full: .*No space left on device\n", outcome.said), outcome.said
    assert {path.name for path in disk.iterdir()} <= {"dump"}
    assert proofs.leftovers() == []


@pytest.mark.parametrize("when", ["--set=", "archive-get"], ids=["restore", "replay"])
def test_a_disk_that_fills_up_is_no_verdict(
    lab: Lab, proofs: Proofs, plain: Stanza, disk: Path, when: str
) -> None:
    outcome = proofs.run(plain, f"--to={disk}", command=filling(lab, disk, when), **_FREE)
    could_not_try(proofs, disk, outcome)


def test_a_query_that_fills_the_disk_is_no_verdict(proofs: Proofs, plain: Stanza, disk: Path) -> None:
    outcome = proofs.run(plain, f"--to={disk}", queries=_SPILLS, **_FREE)
    could_not_try(proofs, disk, outcome)
    assert outcome.checks["queries"]["words"].startswith("the disk was full: spills: could not write")


def test_a_record_on_the_disk_that_was_filled_is_written_after_the_files_are_gone(
    proofs: Proofs, plain: Stanza, disk: Path
) -> None:
    """As by default: the scratch folder lies beside the records."""
    outcome = proofs.run(plain, f"--to={disk / 'restore'}", state=disk, queries=_SPILLS, **_FREE)
    assert outcome.code == 3, outcome.said
    (path,) = (disk / "restore-tests" / plain.name).glob("2*.json")
    record = json.loads(path.read_bytes())["test"]
    assert (record["result"], record["words"] in outcome.said) == ("could_not_try", True)


def test_records_without_room_stop_a_test_before_it_begins(
    lab: Lab, proofs: Proofs, plain: Stanza, disk: Path
) -> None:
    lab.as_account("sh", "-c", f"dd if=/dev/zero of={disk}/dump bs=4k 2>/dev/null || true")
    outcome = proofs.run(plain, state=disk, **_FREE)
    assert outcome.code == 3, outcome.said
    assert ".log: cannot be written: no space left on device" in outcome.said
    assert "-- restore" not in outcome.said
    assert list((disk / "restore-tests" / plain.name).glob("2*")) == []


def test_records_without_room_at_the_end_are_missed_and_the_result_is_told(
    lab: Lab, proofs: Proofs, plain: Stanza, disk: Path
) -> None:
    """The hook is told, lines of the log are lost, and no exit code says that all is well."""
    note = proofs.scratch / "told"
    told = lab.write(lab.path / "hook", f'#!/bin/sh\necho "$RESTORE_TEST_RESULT" >{note}\n', 0o755)
    command = filling(lab, disk, "--set=")
    outcome = proofs.run(plain, state=disk, command=command, hook=[str(told)], **_FREE)
    assert outcome.code == 3, outcome.said
    assert "PROVEN: the backup restores" in outcome.said
    assert (
        "the record cannot be written, so the exporter does not know of this test: no space" in outcome.said
    )
    assert note.read_text() == "proven\n"
    note.unlink()
    assert [path.suffix for path in (disk / "restore-tests" / plain.name).glob("2*")] == [".log"]
    assert proofs.leftovers() == []
    (disk / "dump").unlink()
    assert proofs.run(plain, state=disk, **_FREE).code == 0


def test_silence_on_a_full_disk_is_not_waited_for(
    lab: Lab, proofs: Proofs, plain: Stanza, disk: Path
) -> None:
    """What fetches WAL ahead finds no room for the word that it failed: pgBackRest waits a minute for each segment."""
    fill = f"dd if=/dev/zero of={disk}/dump bs=4k 2>/dev/null; exec sleep 60"
    command = going_wrong(lab.path, "waits", when="archive-get", then=fill)
    outcome = proofs.run(plain, f"--to={disk}", command=command, **_FREE)
    assert (outcome.code, outcome.failed) == (3, ["disk_space"]), outcome.said
    assert "   the disk is full: 0 B are left\n" in outcome.said
    assert proofs.leftovers() == []
