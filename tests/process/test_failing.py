"""Every way in which pgbackrest fails: what was known stays, the reason is told once, and all clears afterwards.

One exporter per way, all at the same time: each needs some seconds, and they mostly wait.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from html import unescape

import pytest

from tests.process import proc
from tests.process.conftest import CORPUS
from tests.process.host import Host
from tests.process.running import Running, without
from tests.process.scrape import Answer
from tests.standin import PROGRAM

NO_FILE = b"ERROR: [055]: unable to open missing file '/srv/backup.info' for read\n"


@dataclass(frozen=True, slots=True)
class Way:
    """How pgbackrest fails from one moment on, and the words by which an operator learns of it."""

    words: str
    begins: Callable[[Host], object]


WAYS: Mapping[str, Way] = {
    "hanging": Way("did not finish within 2 s and was ended", lambda host: host.standin.behaves("hang")),
    "hanging with a grandchild, both ignoring SIGTERM": Way(
        "did not finish within 2 s and was ended", lambda host: host.standin.behaves("hang-ignoring-term")
    ),
    "slow": Way("did not finish within 2 s and was ended", lambda host: host.standin.behaves("slow 60")),
    "killed": Way("killed by SIGKILL", lambda host: host.installs(b"#!/bin/sh\nkill -KILL $$\n")),
    "crashing": Way("killed by SIGSEGV", lambda host: host.standin.behaves("crash")),
    "error": Way(
        "error 55 (file-missing): unable to open missing file '/srv/backup.info' for read",
        lambda host: host.standin.behaves("exit 55", stderr=NO_FILE),
    ),
    "missing": Way("pgbackrest: not found on PATH", lambda host: host.program.unlink()),
    "not executable": Way(
        "pgbackrest: may not be executed", lambda host: host.installs(PROGRAM.read_bytes(), mode=0o644)
    ),
    "without its interpreter": Way(
        "its interpreter '/no/such/sh' is missing", lambda host: host.installs(b"#!/no/such/sh\n")
    ),
    "garbage": Way("printed no JSON but 'no JSON", lambda host: host.standin.behaves("garbage")),
    "flood": Way("printed more than", lambda host: host.standin.behaves("flood")),
    "half": Way("pgbackrest info", lambda host: host.standin.behaves("half")),
    "silent": Way("printed nothing", lambda host: host.standin.behaves("silent")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What was seen while all was well, after the second failure, and when all was well again."""

    good: Answer
    bad: Answer
    bad_page: str
    bad_log: str
    recovered: Answer
    recovered_page: str
    recovered_log: str
    children: list[int]
    peak_memory: int
    kept_memory: int
    """By how much it is larger after the failures than before."""


def run_course(host: Host, way: Way) -> Course:
    """Let pgbackrest work, fail that way twice at least, and work again."""
    host.standin.prints((CORPUS / "full_diff_incr.json").read_bytes())
    host.sets(
        stanzas={"demo": {}},
        info={"within": "2s" if "within 2 s" in way.words else "20s", "stale_after": "1h"},
    )
    exporter = host.start()
    exporter.until(exporter.works, "a first good reading")
    good, before = exporter.scrape(), len(exporter.log)
    memory = proc.memory(exporter.pid)
    way.begins(host)
    exporter.until(lambda: exporter.fails(2), "two failed readings")
    bad, bad_page, bad_log = exporter.scrape(), unescape(exporter.page), exporter.log[before:]
    before = len(exporter.log)
    recover(host, exporter)
    recovered, page = exporter.scrape(), unescape(exporter.page)
    exporter.until(lambda: not proc.children(exporter.pid), "the last child is buried")
    return Course(
        good=good,
        bad=bad,
        bad_page=bad_page,
        bad_log=bad_log,
        recovered=recovered,
        recovered_page=page,
        recovered_log=exporter.log[before:],
        children=proc.children(exporter.pid),
        peak_memory=proc.peak_memory(exporter.pid),
        kept_memory=proc.memory(exporter.pid) - memory,
    )


def recover(host: Host, exporter: Running) -> None:
    host.installs(PROGRAM.read_bytes())
    host.standin.behaves("")
    exporter.until(exporter.works, "a good reading again")


def run_and_leave(host: Host, way: Way) -> Course:
    try:
        return run_course(host, way)
    finally:
        host.leave()


@pytest.fixture(scope="module")
def courses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Future[Course]]]:
    """All courses, run side by side."""
    with ThreadPoolExecutor(max_workers=len(WAYS)) as pool:
        yield {
            name: pool.submit(run_and_leave, Host(tmp_path_factory.mktemp("host")), way)
            for name, way in WAYS.items()
        }


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def course(courses: Mapping[str, Future[Course]], way: str) -> Course:
    """One of them; what went wrong in it, a process that it left behind too, is raised here."""
    return courses[way].result()


OF_THE_COLLECTOR = tuple(
    f"exporter_collector_{name}"
    for name in ("success", "duration_seconds", "last_success_timestamp_seconds", "errors_total")
)


def test_a_failed_reading_keeps_what_was_known(course: Course) -> None:
    assert course.good.value("stanza_ok", stanza="demo") == 1
    assert without(course.bad.facts(), *OF_THE_COLLECTOR) == without(course.good.facts(), *OF_THE_COLLECTOR)


def test_it_is_counted_and_says_when_it_last_worked(course: Course) -> None:
    def of(answer: Answer, what: str) -> float:
        return answer.value(f"exporter_collector_{what}", collector="info", stanza="") or 0

    assert of(course.good, "success") == 1
    assert of(course.good, "errors_total") == 0
    assert of(course.bad, "success") == 0
    assert of(course.bad, "errors_total") >= 2
    assert of(course.recovered, "errors_total") >= of(course.bad, "errors_total"), (
        "a counter does not go back"
    )
    first, last = (of(answer, "last_success_timestamp_seconds") for answer in (course.good, course.bad))
    assert first <= last < of(course.recovered, "last_success_timestamp_seconds")


def test_the_reason_stands_on_the_page(course: Course, way: str) -> None:
    assert WAYS[way].words in course.bad_page


def test_the_reason_stands_in_the_log_once(course: Course, way: str) -> None:
    lines = course.bad_log.splitlines()
    assert len(lines) == 1, "a line on change of outcome and not every cycle"
    assert 'level=warn msg="reading failed" collector=info error="' in lines[0]
    assert WAYS[way].words in lines[0].replace('\\"', '"')


def test_recovery_clears_all(course: Course, way: str) -> None:
    assert without(course.recovered.facts(), *OF_THE_COLLECTOR) == without(
        course.good.facts(), *OF_THE_COLLECTOR
    )
    assert WAYS[way].words not in course.recovered_page
    assert [
        line.partition("msg=")[2].partition(" collector")[0] for line in course.recovered_log.splitlines()
    ] == ['"reading works"']


def test_nothing_of_the_failed_ones_is_left(course: Course) -> None:
    assert course.children == []


def test_the_exporter_stays_small(course: Course) -> None:
    assert course.peak_memory < 200e6


def test_it_gives_back_the_memory_that_a_bad_answer_took(course: Course) -> None:
    assert course.kept_memory < 4e6


def test_values_that_grew_too_old_are_dropped(host: Host) -> None:
    host.sets(stanzas={"demo": {}}, info={"within": "2s", "stale_after": "2s"})
    exporter = host.start()
    exporter.until(exporter.works, "a first good reading")
    host.standin.behaves("silent")
    exporter.until(lambda: exporter.fails(1), "a failed reading")
    assert exporter.value("stanza_ok", stanza="demo") == 1

    exporter.until(lambda: exporter.value("stanza_ok", stanza="demo") is None, "the values are dropped")
    scrape = exporter.scrape()
    assert scrape.names("stanza_expected") == {"demo"}
    assert scrape.names("backups") == set()
    assert scrape.value("exporter_collector_success", collector="info", stanza="") == 0
    assert scrape.value("exporter_collector_last_success_timestamp_seconds", collector="info", stanza="")
    failures = exporter.collector("errors_total") or 0
    exporter.until(lambda: exporter.fails(round(failures) + 1), "another failure")
    assert len(exporter.logged("values dropped")) == 1

    host.standin.behaves("")
    exporter.until(exporter.works, "a good reading again")
    assert exporter.value("stanza_ok", stanza="demo") == 1


def test_a_warning_in_front_of_the_document_is_no_failure_and_told_once(host: Host) -> None:
    host.standin.behaves("warn")
    exporter = host.start()
    exporter.until(exporter.works, "a good reading")
    runs = len(host.standin.calls)
    exporter.until(lambda: len(host.standin.calls) >= runs + 2, "two more readings")
    exporter.until(exporter.works, "a good reading")
    assert exporter.value("stanza_ok", stanza="demo") == 1
    assert exporter.collector("errors_total") == 0
    assert len(exporter.logged("configuration file contains invalid option 'bogus-option'")) == 1


def test_without_a_version_everything_else_is_told(host: Host) -> None:
    (host.standin.folder / "version").write_text("of tomorrow\n")
    scrape = host.start().until_ready().scrape()
    assert scrape.value("exporter_collector_success", collector="info", stanza="") == 1
    assert scrape.value("stanza_ok", stanza="demo") == 1
    assert scrape.names("version_info", "version") == set()
