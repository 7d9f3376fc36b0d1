"""What a person sees at a terminal, and what a log holds."""

import io

from exporter.model.restore_tests import Check
from exporter.restore.console import Console


class Terminal(io.StringIO):
    """A terminal that remembers."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_one_line_that_moves() -> None:
    out, log = Terminal(), io.StringIO()
    console = Console(out)
    console.log_to(log)
    console.phase("restore")
    console.progress(512 << 20, 1 << 30, "bytes")
    console.check(Check(name="restored", state="ok", value="1 GiB"))
    assert out.getvalue() == (
        "-- restore\n"
        "\r\x1b[K   restore: 512 MiB of 1.0 GiB, 50%"
        "\r\x1b[K   ok      restored - pgBackRest restored the backup (1 GiB)\n"
    )
    assert log.getvalue() == "-- restore\n   ok      restored - pgBackRest restored the backup (1 GiB)\n"


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
