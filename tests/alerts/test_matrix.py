"""The matrix of faults and alerts: complete, about what exists, and in README as the scenes have it."""

import re
from typing import Any

from tests.alerts.receivers import Delivery, Notice, Receiver, notices
from tests.alerts.rules import ALERTS, PREFIX, alerts
from tests.cluster.expected import EXPECTED, NOTHING, RECEIVERS
from tests.cluster.scenes import SCENES, STRAY

README = (ALERTS / "README.md").read_text()
MEASURED = README.partition("## Measured")[2].partition("\n## ")[0]


def test_every_scene_says_who_is_told() -> None:
    assert {scene.name for scene in (*SCENES, *STRAY)} == EXPECTED.keys()


def test_it_names_alerts_that_there_are() -> None:
    known = {f"{rule['alert'].removeprefix(PREFIX)}/{rule['labels']['severity']}" for rule in alerts()}
    for expected in EXPECTED.values():
        assert expected.comes | expected.then | expected.may | expected.leaves <= known


def test_what_is_left_is_mended() -> None:
    left = {alert for expected in EXPECTED.values() for alert in expected.leaves}
    assert left == {alert for expected in EXPECTED.values() for alert in expected.mends}


def test_readme_has_each_fault_with_its_alerts_and_no_other() -> None:
    rows = re.findall(r"(?m)^\| ([^|]+) \| (\w+) \| (\w+) \| (\w+) \| [\d–]+ \|", MEASURED)
    meant = {
        (scene, *alert.split("/"), RECEIVERS[alert.rpartition("/")[2]])
        for scene, expected in EXPECTED.items()
        for alert in expected.comes | expected.then
    }
    assert set(rows) == meant
    assert len(rows) == len(meant)


def test_readme_names_what_tells_nobody() -> None:
    quiet = {scene for scene, expected in EXPECTED.items() if expected == NOTHING}
    assert {scene for scene in quiet if f"- {scene}\n" not in MEASURED} == set()


def delivery(receiver: Receiver, body: dict[str, Any], answered: int = 202) -> Delivery:
    return Delivery(at=1, receiver=receiver, body=body, answered=answered)


def test_what_a_person_is_told_is_read_out_of_what_is_delivered() -> None:
    page = {
        "event_action": "trigger",
        "dedup_key": "k",
        "payload": {"class": "PgbackrestWalMissing", "severity": "critical"},
    }
    attachment = {"title": "WARNING: So it is. (main)", "title_link": "https://r/PgbackrestStanzaStopped.md"}
    found = notices(
        [
            delivery("heartbeat", {}),
            delivery("pagerduty", page, answered=500),
            delivery("pagerduty", page),
            delivery("slack", {"attachments": [attachment]}, answered=200),
            delivery("pagerduty", {"event_action": "resolve", "dedup_key": "k"}),
            delivery("slack", {"attachments": [attachment | {"title": "RESOLVED: So it is. (main)"}]}, 200),
        ]
    )
    assert found == [
        Notice(at=1, receiver="pagerduty", alert="WalMissing/critical", resolved=False),
        Notice(at=1, receiver="slack", alert="StanzaStopped/warning", resolved=False),
        Notice(at=1, receiver="pagerduty", alert="WalMissing/critical", resolved=True),
        Notice(at=1, receiver="slack", alert="StanzaStopped/warning", resolved=True),
    ]
