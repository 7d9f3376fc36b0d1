"""Every query of every board, asked of a Prometheus that scraped the exporters of a real cluster in a busy minute."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.conftest import OFTEN
from tests.cluster.repository import STANZA
from tests.cluster.story import Ending, told
from tests.dashboards.boards import FILES, HEALTH, STATES, Query, key, load, queries
from tests.dashboards.server import Api

ALL = [query for path in FILES for query in queries(load(path))]
# What may have nothing to say at the end of this story, and why: by panel and query.
MAY_BE_EMPTY: Mapping[tuple[str, str], str] = {
    ("Time until full", "A"): "growth is that of a week, looked at every two hours",
    ("Used of the capacity, and in 14 days", "D"): "growth is that of a week, looked at every two hours",
    ("Progress of what runs", "A"): "pgBackRest tells of its progress from 2.48 on",
}
Series = list[Any]
Answers = dict[tuple[str, str, str], Series]


@pytest.fixture(scope="module")
def ending(cluster: Cluster) -> Iterator[Ending]:
    with told(cluster, OFTEN) as ending:
        yield ending


@pytest.fixture(scope="module")
def answers(ending: Ending) -> Answers:
    """All at one moment; a query with an error raises."""
    return {key(query): ask(ending, query) for query in ALL}


def ask(ending: Ending, query: Query) -> Series:
    return Api(ending.prometheus.address).answer(query, at=ending.at, span=300, step=15)[0]


def at_the_end(ending: Ending, board: str, panel: str, ref: str = "A") -> Series:
    """What a query of a graph answers when the story has been told, without what it had answered meanwhile."""
    (query,) = (query for query in ALL if key(query) == (f"pgbackrest-{board}", panel, ref))
    return ask(ending, replace(query, instant=True))


def highest(ending: Ending, board: str, panel: str, ref: str = "A") -> Series:
    """The highest value that each series of a query had at any second of the story."""
    (query,) = (query for query in ALL if key(query) == (f"pgbackrest-{board}", panel, ref))
    expression = f"max_over_time(({query.expression})[3m:1s])"
    return ask(ending, replace(query, expression=expression, instant=True))


def last(series: Series) -> list[float]:
    """The newest value of each series."""
    return [float((row.get("value") or row["values"][-1])[1]) for row in series]


def by(series: Series, *labels: str) -> dict[Any, float]:
    """The newest value of each series, by its labels; series that differ in none of them would be a mistake."""
    keys = [tuple(row["metric"].get(label, "") for label in labels) for row in series]
    assert len(set(keys)) == len(keys), f"twice by {labels}: {keys}"
    return dict(zip((one[0] if len(labels) == 1 else one for one in keys), last(series), strict=True))


def test_no_panel_is_empty_without_a_reason(answers: Answers) -> None:
    empty = {(board, panel, ref) for (board, panel, ref), series in answers.items() if not series}
    says_something = {(board, panel) for board, panel, ref in answers.keys() - empty}
    silent = {
        (board, panel, ref)
        for board, panel, ref in empty
        if (panel, ref) not in MAY_BE_EMPTY and not (panel in STATES and (board, panel) in says_something)
    }
    assert silent == set()


def test_every_reason_is_about_a_query_that_there_is() -> None:
    assert {(query.panel, query.ref) for query in ALL} >= MAY_BE_EMPTY.keys()


def test_exporters_of_several_hosts_count_once(answers: Answers) -> None:
    for (board, panel, ref), series in answers.items():
        if panel not in HEALTH:
            assert not any("instance" in row["metric"] for row in series), f"{board}: {panel} {ref}"


def test_the_overview_has_one_stanza_and_judges_it(answers: Answers) -> None:
    tiles = {key: last(series) for key, series in answers.items() if key[0] == "pgbackrest-overview"}
    assert tiles["pgbackrest-overview", "Can be recovered", "C"] == [1], (
        "all are recoverable, and that is one"
    )
    assert tiles["pgbackrest-overview", "Data at risk now", "C"] == [0]
    found = {ref: answers["pgbackrest-overview", "Every stanza", ref] for ref in "ABCDEFGHIJKLMN"}
    for ref, series in found.items():
        assert list(by(series, "stanza")) == [STANZA], ref
    levels = {ref: last(found[ref])[0] for ref in "ACEGIKMN"}
    # One restore test did not prove its backup, the newest full failed; nothing else is wrong.
    assert levels == {"A": 0, "C": 0, "E": 0, "G": 0, "I": 0, "K": 0, "M": 2, "N": 1}


def test_the_switchover_is_seen(answers: Answers, ending: Ending) -> None:
    wal = {
        (panel, ref): series for (board, panel, ref), series in answers.items() if board == "pgbackrest-wal"
    }
    assert ending.timeline == 2
    for ref in "ABCD":
        assert set(last(wal["Timelines", ref])) == {2}, ref
    assert by(wal["Leader", "A"], "member") == {ending.leader.name: 1}
    assert by(highest(ending, "wal", "Who led"), "member") == {ending.first.name: 1, ending.leader.name: 1}
    assert by(at_the_end(ending, "wal", "Members of the cluster"), "role", "state") == {
        ("leader", "running"): 1,
        ("replica", "running"): 2,
    }


def test_the_stall_is_seen_and_over(answers: Answers, ending: Ending) -> None:
    for board, panel in (("overview", "Data at risk"), ("wal", "Data at risk against its thresholds")):
        assert max(last(highest(ending, board, panel))) > 3, panel
        assert last(answers[f"pgbackrest-{board}", panel, "A"]) == [0], panel
    assert max(last(highest(ending, "wal", "Segments that wait, errors in the spool"))) >= 1
    assert last(highest(ending, "wal", "Archiving over time")) == [1], "it failed"
    wal = {
        (panel, ref): last(found) for (board, panel, ref), found in answers.items() if board.endswith("wal")
    }
    assert wal["Failed attempts to archive", "A"][0] > 0
    assert wal["Archiving", "A"] == wal["Archiving over time", "A"] == wal["WAL dropped for ever", "A"] == [0]
    assert wal["WAL missing", "A"] == [0]
    assert wal["Missing segments", "A"] == [0, 0, 0, 0], "newest and older, of two repositories"


def test_the_catalogue_is_that_of_the_repositories(answers: Answers, cluster: Cluster) -> None:
    there = {(row["label"], str(row["database"]["repo-key"])) for row in cluster.repository.info()["backup"]}
    assert len(there) == 4
    for panel, refs in (("Catalogue", "ABCDEFG"), ("Every backup in the repositories", "AB")):
        for ref in refs:
            found = by(answers["pgbackrest-stanza", panel, ref], "backup", "repo")
            assert found.keys() == there, f"{panel} {ref}"
    kept = by(answers["pgbackrest-recovery", "Backups kept", "A"], "backup_type", "repo")
    assert {place: count for place, count in kept.items() if count} == {
        ("full", "1"): 1, ("incr", "1"): 2, ("full", "2"): 1,
    }  # fmt: skip


def test_runs_are_seen(answers: Answers) -> None:
    failed = by(answers["pgbackrest-overview", "Failed runs", "A"], "command", "backup_type", "repo")
    assert failed.keys() == {("backup", "full", "1")}
    assert last(answers["pgbackrest-stanza", "Newest backup runs", "A"]) == [1]
    assert last(answers["pgbackrest-stanza", "Now", "A"]) == [1], "a backup runs"
    assert last(answers["pgbackrest-stanza", "Damaged backups", "A"]) == [0]


def test_restore_tests_are_seen(answers: Answers) -> None:
    found = {
        (panel, ref): series
        for (board, panel, ref), series in answers.items()
        if board == "pgbackrest-recovery"
    }
    assert last(found["Newest restore tests", "A"]) == [0], "one did not prove its backup"
    assert by(found["Restore tests", "A"], "repo", "target") == {("2", "latest"): 0, ("1", "immediate"): 2}
    table = "Newest restore test of each stanza, repository and target"
    assert by(found[table, "A"], "target", "result") == {
        ("latest", "proven"): 1,
        ("immediate", "not_proven"): 1,
    }
    assert by(found[table, "C"], "target").keys() == {"latest"}, "only one was ever proven"
    checks = by(found["Checks of the newest tests", "A"], "target", "check")
    assert [check for check, passed in checks.items() if not passed] == [("immediate", "queries")]
    assert last(found["Last proven restore", "A"])[0] < 120, "red, and not long ago"
    assert by(found["Longest time to restore", "C"], "repo").keys() == {"2"}
