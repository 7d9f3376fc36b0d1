"""What a person sees at a terminal, and what a log holds."""

import io
from pathlib import Path

from exporter.model.restore_tests import Check
from exporter.restore import log
from exporter.restore.console import Console


class Terminal(io.StringIO):
    """A terminal that remembers."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_one_line_that_moves(tmp_path: Path) -> None:
    out = Terminal()
    console = Console(out)
    with log.opened(tmp_path / "run.log", "restore test of stanza main") as written:
        console.log_to(written)
        console.phase("restore")
        console.progress(512 << 20, 1 << 30, "bytes")
        console.check(Check(name="restored", state="ok", value="1 GiB"))
    assert out.getvalue() == (
        "-- restore\n"
        "\r\x1b[K   restore: 512 MiB of 1.0 GiB, 50%"
        "\r\x1b[K   ok      restored - pgBackRest restored the backup (1 GiB)\n"
    )
    assert (tmp_path / "run.log").read_text() == (
        "restore test of stanza main\n-- restore\n   ok      restored - pgBackRest restored the backup (1 GiB)\n"
    )


def test_more_wal_than_was_counted_is_no_more_than_all() -> None:
    out = Terminal()
    console = Console(out)
    console.phase("replay")
    console.progress(160 << 20, 144 << 20, "bytes of WAL")
    assert out.getvalue().endswith("replay: 160 MiB of 160 MiB of WAL, 100%")


def test_a_log_gets_no_line_for_every_step() -> None:
    out = io.StringIO()
    console = Console(out)
    console.phase("replay")
    for done in range(1000):
        console.progress(done, None, "bytes of WAL")
    assert out.getvalue() == "-- replay\n"


def test_a_check_that_was_skipped_or_failed_says_why_on_one_line() -> None:
    out = io.StringIO()
    console = Console(out)
    console.check(Check(name="queries", state="skipped", words="none are set"))
    console.check(Check(name="tables", state="failed", value="7 tables", words="bad\nblock"))
    assert out.getvalue() == (
        "   skipped queries: none are set\n"
        "   FAILED  tables - not true: every table can be read (7 tables): bad block\n"
    )


def test_a_phase_that_is_taken_up_again_is_told_once() -> None:
    out = io.StringIO()
    console = Console(out)
    console.phase("prepare")
    console.phase("prepare")
    assert out.getvalue() == "-- prepare\n"


def test_another_work_of_a_phase_is_told_at_once_and_its_time_counts_anew() -> None:
    out, now = Terminal(), 0.0
    console = Console(out, lambda: now)
    console.phase("checks")
    now = 1000.0
    console.progress(1 << 30, None, "bytes read")
    now += 0.1
    console.progress(1 << 20, 1 << 30, "bytes of tables and indexes")
    assert out.getvalue().endswith("checks: 1.0 MiB of 1.0 GiB of tables and indexes, 0%")
    now += 10
    console.progress(256 << 20, 1 << 30, "bytes of tables and indexes")
    assert out.getvalue().endswith("checks: 256 MiB of 1.0 GiB of tables and indexes, 25%, 30 s left")


def test_a_log_gets_a_line_a_minute() -> None:
    out, now = io.StringIO(), 0.0
    console = Console(out, lambda: now)
    console.phase("checksums")
    for second in range(130):
        now = float(second)
        console.progress(second << 20, 1000 << 20, "bytes")
    assert out.getvalue() == (
        "-- checksums\n"
        "   checksums: 60.0 MiB of 1000 MiB, 6%, 15 min 40 s left\n"
        "   checksums: 120 MiB of 1000 MiB, 12%, 14 min 40 s left\n"
    )


def test_where_nobody_can_be_told_the_test_goes_on() -> None:
    with io.FileIO("/dev/full", "w") as full:
        console = Console(io.TextIOWrapper(full, write_through=True))
        console.phase("restore")
        console.progress(1, 2, "bytes")
        console.line("the end")
