"""What is read from other programs' words, and what is written for them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model.restore_tests import Check, Record
from exporter.restore import configuration, controldata, replay
from exporter.restore.checks.queries import judge
from exporter.restore.controldata import ControlDataError
from exporter.restore.hook import variables
from exporter.restore.serverlog import ServerLog
from exporter.settings.restore_tests import Query

# What pg_controldata of PostgreSQL 15.20 printed for a restored cluster, less the lines that nobody asks for.
CONTROL = """\
pg_control version number:            1300
Catalog version number:               202209061
Database system identifier:           7711099446150655445
Database cluster state:               in archive recovery
Latest checkpoint's REDO location:    0/4000028
Latest checkpoint's TimeLineID:       1
Minimum recovery ending location:     0/4000100
wal_level setting:                    logical
max_connections setting:              60
max_worker_processes setting:         8
max_wal_senders setting:              10
max_prepared_xacts setting:           0
max_locks_per_xact setting:           64
track_commit_timestamp setting:       off
Database block size:                  8192
Bytes per WAL segment:                16777216
Data page checksum version:           1
"""

LOG = """\
2026-11-22 21:04:46.292 GMT [6129] LOG:  database system was interrupted; last known up at 2026-11-22 20:44:15 GMT
2026-11-22 21:04:46.434 GMT [6129] LOG:  starting archive recovery
2026-11-22 21:04:46.500 GMT [6129] LOG:  restored log file "000000010000000000000004" from archive
2026-11-22 21:04:46.534 GMT [6129] LOG:  redo starts at 0/4000028
2026-11-22 21:04:46.540 GMT [6129] LOG:  restored log file "000000010000000000000005" from archive
2026-11-22 21:04:46.634 GMT [6129] LOG:  consistent recovery state reached at 0/4000100
2026-11-22 21:04:46.635 GMT [6121] LOG:  database system is ready to accept read-only connections
2026-11-22 21:04:56.634 GMT [6129] LOG:  redo in progress, elapsed time: 10.00 s, current LSN: 0/5A00000
2026-11-22 21:04:58.634 GMT [6129] LOG:  redo done at 0/5FFFFE0 system usage: CPU: user: 0.00 s
2026-11-22 21:04:58.635 GMT [6129] LOG:  last completed transaction was at log time 2026-11-22 20:44:20.123456+00
2026-11-22 21:04:58.700 GMT [6129] LOG:  selected new timeline ID: 2
2026-11-22 21:04:58.800 GMT [6129] LOG:  archive recovery complete
2026-11-22 21:04:59.000 GMT [6121] LOG:  database system is ready to accept connections
"""


# PostgreSQL 12.22
LOWER = "max_connections = 20 is a lower setting than on the master server"


def heard(text: str) -> ServerLog:
    log = ServerLog(lambda _: None)
    for line in text.splitlines():
        log.hear(line)
    return log


def test_pg_controldata_tells_what_a_server_needs() -> None:
    control = controldata.parse(CONTROL)
    assert control.system_id == 7711099446150655445
    assert control.checksums
    assert (control.timeline, control.redo) == (1, "0/4000028")
    assert (control.segment_size, control.block_size) == (16 << 20, 8192)
    assert control.settings == {
        "max_connections": 60, "max_worker_processes": 8, "max_wal_senders": 10,
        "max_prepared_transactions": 0, "max_locks_per_transaction": 64,
    }  # fmt: skip


@given(st.text())
def test_anything_else_is_one_error(text: str) -> None:
    with pytest.raises(ControlDataError, match="cannot make out"):
        controldata.parse(text)


def test_the_log_tells_how_far_recovery_is() -> None:
    log = heard(LOG)
    assert log.segments == 2
    assert log.found["segment"] == "000000010000000000000005"
    assert (log.found["redo_start"], log.found["consistent"], log.found["position"]) == (
        "0/4000028", "0/4000100", "0/5A00000"
    )  # fmt: skip
    assert log.found["timeline"] == "2"
    assert "ready" in log.found
    assert not log.failures


def test_replay_is_as_far_as_the_newest_of_what_is_told() -> None:
    found = heard(LOG).found
    assert replay.reached(found, 16 << 20) == 0x5A00000
    assert replay.reached(found | {"segment": "000000010000000000000006"}, 16 << 20) == 0x6000000
    assert replay.reached({}, 16 << 20) == 0


def test_read_only_connections_are_not_the_end() -> None:
    assert "ready" not in heard("\n".join(LOG.splitlines()[:7])).found


@pytest.mark.parametrize(
    ("words", "tells"),
    [
        (
            "WARNING:  hot standby is not possible because of insufficient parameter settings",
            lambda log: log.needs_more,
        ),
        (
            f"FATAL:  hot standby is not possible because {LOWER} (its value was 60)",
            lambda log: log.needs_more,
        ),
        (
            "FATAL:  recovery aborted because of insufficient parameter settings",
            lambda log: log.needs_more,
        ),
        (
            "FATAL:  recovery ended before configured recovery target was reached",
            lambda log: log.target_missed,
        ),
        (
            "LOG:  startup process (PID 7) was terminated by signal 11: Segmentation fault",
            lambda log: "signal 11" in log.why,
        ),
        ("FATAL:  could not locate required checkpoint record", lambda log: "checkpoint record" in log.why),
    ],
)
def test_the_log_tells_why_it_ended(words: str, tells: Callable[[ServerLog], bool]) -> None:
    starting = "2026-11-22 21:04:46.292 GMT [6130] FATAL:  the database system is starting up"
    assert tells(heard(f"{starting}\n2026-11-22 21:04:46.292 GMT [6129] {words}"))


def test_restore_command_is_quoted_for_the_shell_that_postgresql_calls() -> None:
    command = configuration.recovery({}, ["pg backrest", "--spool=100%", "archive-get", "%f", "%p"], None)
    assert command["restore_command"] == "'pg backrest' --spool=100%% archive-get %f \"%p\""
    guarded = configuration.recovery({}, ["get", "%f", "%p"], "check %f")
    assert guarded["restore_command"] == 'get %f "%p" && check %f'


@pytest.mark.parametrize(
    ("query", "answer", "fine"),
    [
        (Query(name="q", query="", expected="8"), 8, True),
        (Query(name="q", query="", expected="true"), True, True),
        (Query(name="q", query="", expected="8"), None, False),
        (Query(name="q", query="", at_least=8), 8, True),
        (Query(name="q", query="", at_least=8), 7.9, False),
        (Query(name="q", query="", at_least=8), None, False),
        (Query(name="q", query="", at_least=8), "many", False),
        (Query(name="q", query=""), True, True),
        (Query(name="q", query=""), 1, False),
    ],
)
def test_an_answer_is_judged_by_what_is_expected(query: Query, answer: object, fine: bool) -> None:
    assert (judge(query, answer) is None) == fine


def test_the_hook_is_told_what_failed_and_no_more_than_is_known() -> None:
    checks = (Check(name="indexes", state="failed", words="rotten"), Check(name="tables", state="ok"))
    record = Record(
        stanza="main", repo=2, target="latest", started=10, ended=25.4, result="not_proven",
        words="indexes: rotten", checks=checks,
    )  # fmt: skip
    told = variables(record, str(Path("/x.log")))
    assert told["RESTORE_TEST_RESULT"] == "not_proven"
    assert told["RESTORE_TEST_SUCCESS"] == "0"
    assert told["RESTORE_TEST_FAILED_CHECKS"] == "indexes"
    assert told["RESTORE_TEST_DURATION_SECONDS"] == "15"
    assert told["RESTORE_TEST_BACKUP"] == ""
