"""What a test found, and what a full disk makes of it."""

import errno
import os
from pathlib import Path

import pytest

from exporter.restore import fulldisk
from exporter.restore.console import Console
from exporter.restore.findings import CouldNotTryError, Findings, NotProvenError
from exporter.restore.proof import _found, _unknown

FULL = 'could not extend file "base/5/16384": No space left on device'


@pytest.fixture
def findings() -> Findings:
    return Findings(Console())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"2026-11-22 21:04:46.292 GMT [6129] FATAL:  {FULL}", FULL),
        (
            "2026-11-22 21:04:46.292 P00  ERROR: [041]: unable to write '/to/x': [28] No space left on device",
            "unable to write '/to/x': [28] No space left on device",
        ),
        (
            "ln: failed to create hard link 'x': Disk quota exceeded",
            "ln: failed to create hard link 'x': Disk quota exceeded",
        ),
        ("2026-11-22 21:04:46.292 GMT [6129] LOG:  redo done at 0/5FFFFE0", None),
    ],
)
def test_others_have_their_words_for_a_full_disk(line: str, words: str | None) -> None:
    assert fulldisk.words(line) == words


def test_what_fails_on_a_full_disk_could_not_be_tried(findings: Findings, tmp_path: Path) -> None:
    findings.hear(f"FATAL:  {FULL}")
    findings.failed("queries", "gave nothing")
    words = "its disk is full: make room there, or choose another"
    with pytest.raises(CouldNotTryError, match=words), findings.forgiving_a_full_disk(tmp_path):
        raise findings.give_up("recovered_to", "it came nowhere")
    assert [check.name for check in findings.all_failed()] == ["disk_space"]
    assert findings.checks["queries"].words == "the disk was full: gave nothing"


def test_so_does_a_failure_that_ends_nothing(findings: Findings, tmp_path: Path) -> None:
    findings.hear(f"ERROR:  {FULL}")
    with pytest.raises(CouldNotTryError), findings.forgiving_a_full_disk(tmp_path):
        findings.failed("queries", "gave nothing")


def test_so_does_a_file_of_ours_that_finds_no_room(findings: Findings, tmp_path: Path) -> None:
    with pytest.raises(CouldNotTryError, match="its disk is full"), findings.forgiving_a_full_disk(tmp_path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_was_full_and_hindered_nothing_is_no_matter(findings: Findings, tmp_path: Path) -> None:
    with findings.forgiving_a_full_disk(tmp_path):
        findings.hear(f"ERROR:  {FULL}")
        findings.ok("queries")
    assert findings.all_failed() == []


def test_a_failure_where_there_is_room_counts(findings: Findings, tmp_path: Path) -> None:
    with pytest.raises(NotProvenError), findings.forgiving_a_full_disk(tmp_path):
        raise findings.give_up("recovered_to", "it came nowhere")
    with findings.forgiving_a_full_disk(tmp_path):
        findings.failed("queries", "gave nothing")
    with pytest.raises(PermissionError), findings.forgiving_a_full_disk(tmp_path):
        raise PermissionError
    assert [check.name for check in findings.all_failed()] == ["recovered_to", "queries"]


def test_a_repository_that_could_not_be_asked_is_told_with_any_result(findings: Findings) -> None:
    findings.ok("queries")
    assert (_found(findings), _unknown(findings)) == ("1 checks passed, 0 skipped", "")
    findings.skipped("repository_unchanged", "asked for 120 s in vain")
    unknown = "; whether it left anything in the repository is not known"
    assert (_found(findings), _unknown(findings)) == ("1 checks passed, 1 skipped", unknown)
    findings.ok("repository_unchanged")
    assert _unknown(findings) == ""
