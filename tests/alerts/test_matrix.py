"""The matrix of faults and alerts: complete, and about what exists."""

from typing import Any

from tests.alerts.receivers import Delivery, Notice, Receiver, notices
from tests.alerts.rules import PREFIX, alerts
from tests.cluster.expected import EXPECTED
from tests.cluster.scenes import SCENES, STRAY


def test_every_scene_says_who_is_told() -> None:
    assert {scene.name for scene in (*SCENES, *STRAY)} == EXPECTED.keys()


def test_it_names_alerts_that_there_are() -> None:
    known = {f"{rule['alert'].removeprefix(PREFIX)}/{rule['labels']['severity']}" for rule in alerts()}
    for expected in EXPECTED.values():
        assert expected.comes | expected.then | expected.may | expected.leaves <= known


def test_what_is_left_is_mended() -> None:
    left = {alert for expected in EXPECTED.values() for alert in expected.leaves}
    assert left == {alert for expected in EXPECTED.values() for alert in expected.mends}


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
