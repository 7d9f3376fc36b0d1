"""Every query of every panel, asked of a real Prometheus that knows an invented fleet: one exporter, and a pair."""

import pytest

from tests.dashboards.boards import HEALTH, STATES, key
from tests.dashboards.conftest import ALL, NOW, ONE, PAIR, STANZAS, Answers
from tests.dashboards.fleet import Fleet


def values(answers: Answers, board: str, panel: str, ref: str = "A") -> dict[str, float]:
    """The last value of each series, by its stanza."""
    found = answers[f"pgbackrest-{board}", panel, ref]
    return {
        row["metric"].get("stanza", ""): float((row.get("value") or row["values"][-1])[1]) for row in found
    }


@pytest.mark.parametrize("exporters", [ONE, PAIR])
def test_no_panel_is_empty(answers: dict[int, Answers], exporters: int) -> None:
    """Of a tile with a query for each state one answers; of the others every query does."""
    found = answers[exporters]
    answered = {(board, panel) for (board, panel, _), series in found.items() if series}
    assert answered == {(query.board, query.panel) for query in ALL}
    quiet = {key for key, series in found.items() if not series}
    assert {panel for _, panel, _ in quiet} <= STATES


def test_a_pair_of_exporters_gives_the_same_answers_as_one(answers: dict[int, Answers]) -> None:
    for query in ALL:
        if query.panel not in HEALTH:
            one, pair = answers[ONE][key(query)], answers[PAIR][key(query)]
            assert sorted(map(str, one)) == sorted(map(str, pair)), (
                f"{query.board}: {query.panel} {query.ref}"
            )


def test_no_answer_names_an_exporter(answers: dict[int, Answers]) -> None:
    for query in ALL:
        if query.panel not in HEALTH:
            assert not any("instance" in row["metric"] for row in answers[PAIR][key(query)]), query.panel


def test_the_tiles_name_the_worst_stanza(answers: dict[int, Answers]) -> None:
    found = answers[PAIR]
    assert values(found, "overview", "Can be recovered", "B") == {"": 1}  # identity: a hole in one repository
    assert values(found, "overview", "Data at risk now", "A") == {"billing": 42 * 60}
    assert values(found, "overview", "Shortest window", "A") == {"identity": 9 * 3600}
    assert values(found, "overview", "Longest time to restore", "A").keys() == {"search"}
    assert values(found, "overview", "Last proven restore", "A").keys() == {"warehouse"}


def test_the_table_has_a_row_for_every_stanza_and_the_worst_sign_where_it_belongs(
    answers: dict[int, Answers],
) -> None:
    found = answers[PAIR]
    names = {Fleet(stanzas=STANZAS, end=NOW).name(index) for index in range(STANZAS)}
    for ref in "ACEGIKMN":
        assert values(found, "overview", "Every stanza", ref).keys() == names - (
            {"never"} if ref == "K" else set()
        )
    for ref, worst in {"C": "billing", "G": "crm", "I": "identity", "M": "warehouse"}.items():
        signs = values(found, "overview", "Every stanza", ref)
        assert {name for name, level in signs.items() if level == 2} == {worst}
    assert values(found, "overview", "Every stanza", "M")["search"] == 1  # never tested
    assert values(found, "overview", "Every stanza", "N")["crm"] == 1  # its last full failed


def test_the_timeline_has_every_backup_of_the_catalogue(answers: dict[int, Answers]) -> None:
    rows = answers[PAIR]["pgbackrest-stanza", "Every backup in the repositories", "A"]
    oldest = min(float(row["value"][1]) for row in rows) / 1000
    assert len(
        {(row["metric"]["stanza"], row["metric"]["repo"], row["metric"]["backup"]) for row in rows}
    ) == len(rows)
    assert NOW - oldest > 30 * 86400, "two hours of scrapes tell of a month"
