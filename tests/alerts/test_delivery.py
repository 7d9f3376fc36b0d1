"""From a page of metrics through a real Prometheus and a real Alertmanager to PagerDuty, Slack and the heartbeat."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.alerts.promtool import page
from tests.alerts.receivers import Delivery, Receivers
from tests.alerts.stack import Stack
from tests.alerts.world import World, healthy
from tests.process.waiting import until

FACTOR = 180.0
"""A minute is a third of a second."""


@pytest.fixture(scope="module")
def receivers() -> Iterator[Receivers]:
    with Receivers() as receivers:
        receivers.serves(page(healthy(), time.time()))
        yield receivers


@pytest.fixture(scope="module")
def stack(receivers: Receivers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    jobs = [
        {"job_name": f"pgbackrest-{name}", "static_configs": [{"targets": [receivers.address]}]}
        for name in ("a", "b")
    ]
    folder = tmp_path_factory.mktemp("stack")
    with Stack(folder, receivers=receivers.address, jobs=jobs, factor=FACTOR) as stack:
        yield stack


def suffer(receivers: Receivers, changes: World | None = None) -> None:
    receivers.serves(page(healthy() | (changes or {}), time.time()))


def firing(stack: Stack) -> set[str]:
    found = (alert["labels"] for alert in stack.alerts() if alert["state"] == "firing")
    return {f"{labels['alertname'].removeprefix('Pgbackrest')}/{labels['severity']}" for labels in found}


def wait(stack: Stack, receivers: Receivers, condition: Callable[[], object]) -> None:
    def state() -> str:
        got = [delivery for name in ("pagerduty", "slack") for delivery in receivers.got(name)]
        return f"firing {firing(stack)}, rules {stack.errors()}, delivered {got}"

    until(condition, state, within=60)


def events(receivers: Receivers, word: str, action: str) -> list[dict[str, Any]]:
    """Events of PagerDuty whose class is that alert's name; a resolution is known by its key."""
    bodies = [dict(delivery.body) for delivery in receivers.got("pagerduty")]
    keys = {
        each["dedup_key"] for each in bodies if each.get("payload", {}).get("class") == f"Pgbackrest{word}"
    }
    return [each for each in bodies if each["dedup_key"] in keys and each["event_action"] == action]


def messages(receivers: Receivers, words: str) -> list[dict[str, Any]]:
    """Attachments of Slack's messages whose title holds these words."""
    found = [dict(delivery.body["attachments"][0]) for delivery in receivers.got("slack")]
    return [each for each in found if words in each["title"]]


def undelivered(receivers: Receivers) -> list[dict[str, Any]]:
    return messages(receivers, "WARNING: Alertmanager cannot deliver notifications")


def heartbeats(receivers: Receivers) -> list[Delivery]:
    return receivers.got("heartbeat")


def test_all_is_well_and_nobody_is_told_but_the_heartbeat_comes_again_and_again(
    stack: Stack, receivers: Receivers
) -> None:
    wait(stack, receivers, lambda: len(heartbeats(receivers)) >= 4)
    assert firing(stack) == {"Watchdog/none"}
    assert stack.errors() == []
    assert receivers.got("pagerduty") == []
    assert receivers.got("slack") == []


def test_a_critical_alert_calls_once_and_a_warning_is_written_and_both_resolve(
    stack: Stack, receivers: Receivers
) -> None:
    full: World = {
        "repo_used_bytes repo=1": {0: 950},
        "repo_available_bytes repo=1": {0: 50},
        "stanza_stopped stanza=main": {0: 1},
    }
    suffer(receivers, full)
    wait(stack, receivers, lambda: len(events(receivers, "RepoSpaceLow", "trigger")) >= 2)
    wait(stack, receivers, lambda: len(messages(receivers, "WARNING: A stop file")) >= 2)
    called, written = (
        events(receivers, "RepoSpaceLow", "trigger")[0],
        messages(receivers, "WARNING: A stop")[0],
    )
    assert called["payload"]["summary"] == "CRITICAL: A repository is nearly full."
    assert called["payload"]["severity"] == "critical"
    assert "Repository 1 is 95% full" in str(called["payload"]["custom_details"]["what"])
    assert [link["text"] for link in called["links"]] == ["Runbook", "Dashboard"]
    assert written["title"] == "WARNING: A stop file makes every pgBackRest command fail. (main)"
    assert "Stanza main is stopped" in written["text"]
    assert written["title_link"].endswith("/PgbackrestStanzaStopped.md")
    suffer(receivers)
    wait(stack, receivers, lambda: len(events(receivers, "RepoSpaceLow", "resolve")) == 2)
    wait(stack, receivers, lambda: len(messages(receivers, "RESOLVED: A stop file")) == 2)
    assert len(events(receivers, "RepoSpaceLow", "trigger")) == 2, "once for each of the two jobs"
    assert messages(receivers, "WARNING: A repository is nearly full") == [], "inhibited by the critical one"


def test_good_news_is_told_once_and_not_when_it_ends(stack: Stack, receivers: Receivers) -> None:
    place = "stanza=main repo=1 target=latest"
    suffer(receivers, {f"restore_test_last_success_timestamp_seconds {place}": {0: 0}})
    wait(stack, receivers, lambda: len(messages(receivers, "INFO: A restore test passed")) == 2)
    suffer(receivers)
    wait(stack, receivers, lambda: firing(stack) == {"Watchdog/none"})
    suffer(receivers, {"stanza_stopped stanza=main": {0: 1}})
    before = len(messages(receivers, "WARNING: A stop file"))
    wait(stack, receivers, lambda: len(messages(receivers, "WARNING: A stop file")) > before)
    suffer(receivers)
    wait(stack, receivers, lambda: firing(stack) == {"Watchdog/none"})
    assert messages(receivers, "RESOLVED: A restore test passed") == []


def test_without_an_exporter_that_alone_is_told_and_not_what_nobody_can_see(
    stack: Stack, receivers: Receivers
) -> None:
    receivers.serves(None)
    wait(stack, receivers, lambda: "StanzaUnwatched/critical" in firing(stack))
    before = len(heartbeats(receivers))
    wait(stack, receivers, lambda: len(events(receivers, "ExporterDown", "trigger")) >= 2)
    wait(stack, receivers, lambda: len(heartbeats(receivers)) >= before + 3)
    assert events(receivers, "StanzaUnwatched", "trigger") == []
    suffer(receivers)
    wait(stack, receivers, lambda: firing(stack) == {"Watchdog/none"})


def test_odd_names_arrive_as_they_are(stack: Stack, receivers: Receivers) -> None:
    suffer(receivers, {'stanza_stopped stanza=<&"$é\\>': {0: 1}})
    wait(
        stack,
        receivers,
        lambda: messages(
            receivers, 'WARNING: A stop file makes every pgBackRest command fail. (&lt;&amp;"$é'
        ),
    )
    (written, *_) = messages(receivers, 'fail. (&lt;&amp;"$é')
    assert 'Stanza &lt;&amp;"$é\\&gt; is stopped' in written["text"]
    assert "var-stanza=%3C%26%22%24%C3%A9%5C%3E" in written["text"]
    suffer(receivers)
    wait(stack, receivers, lambda: firing(stack) == {"Watchdog/none"})


@pytest.mark.parametrize("status", [429, 500])
def test_pagerduty_refuses_which_slack_is_told_and_gets_the_event_later(
    stack: Stack, receivers: Receivers, status: int
) -> None:
    """Alertmanager counts a failure when it gives up a group, which it does not before ten seconds."""
    before, told = len(events(receivers, "WalArchiveOff", "trigger")), len(undelivered(receivers))
    receivers.fails("pagerduty", status)
    suffer(receivers, {"wal_archive_enabled stanza=main": {0: 0}})
    wait(stack, receivers, lambda: len(receivers.got("pagerduty", status)) >= 2)
    wait(stack, receivers, lambda: len(undelivered(receivers)) > told)
    assert "Notifications to pagerduty fail" in undelivered(receivers)[-1]["text"]
    assert len(events(receivers, "WalArchiveOff", "trigger")) == before
    receivers.fails("pagerduty", None)
    wait(stack, receivers, lambda: len(events(receivers, "WalArchiveOff", "trigger")) >= before + 2)
    suffer(receivers)
    wait(stack, receivers, lambda: len(events(receivers, "WalArchiveOff", "resolve")) >= before + 2)
    wait(stack, receivers, lambda: firing(stack) == {"Watchdog/none"})


def test_slack_is_down_which_is_noticed_and_gets_the_warning_later(
    stack: Stack, receivers: Receivers
) -> None:
    receivers.fails("slack", 500)
    suffer(receivers, {"stanza_stopped stanza=main": {0: 1}})
    wait(stack, receivers, lambda: "NotificationsFailing/warning" in firing(stack))
    before = len(messages(receivers, "WARNING: A stop file"))
    receivers.fails("slack", None)
    wait(stack, receivers, lambda: len(messages(receivers, "WARNING: A stop file")) >= before + 2)
    suffer(receivers)
