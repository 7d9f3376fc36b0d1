"""Cases of the alerts about exporters, stanzas and the delivery of alerts."""

from tests.alerts.case import SAME, Case
from tests.alerts.world import DAY, INF, Ramp, healthy

_B = "instance=b"
_SUCCESS = "exporter_collector_success collector"
_DATABASE = "database_info stanza=main repo=1 database_id=9 pg_version=16"
_RESTORE_TEST = "threshold_seconds stanza=main signal=restore_test severity=critical"
_SPACE = "threshold_ratio repo=1 signal=repo_used severity=critical"
_FAILURES = "prometheus_rule_evaluation_failures_total job=prometheus rule_group"

CASES = (
    Case(
        alert="ExporterDown",
        changes={},
        down=(5, 30),
        expect={
            14: "",
            15: "warning critical",
            19: "warning critical",
            20: "warning critical StanzaUnwatched/critical",
            31: "",
        },
        ha={14: "", 15: "warning*2 critical", 31: ""},
        pair={14: "", 15: "warning", 29: "warning", 31: ""},
        gap=False,
    ),
    Case(
        alert="ExporterMissing",
        changes={},
        down=(5, 30),
        gone=True,
        expect={19: "", 20: "critical", 29: "critical", 31: ""},
        ha=SAME,
        pair={20: "", 29: ""},
        gap=False,
        other=False,
    ),
    Case(
        alert="ExporterDown",
        name="it is another exporter",
        changes={"up job=node": {0: 0}},
        expect={30: ""},
        gap=False,
    ),
    Case(
        alert="ExporterMissing",
        name="others are there",
        changes={"up job=node": {0: 1}},
        down=(5, 30),
        gone=True,
        expect={19: "", 20: "critical", 31: ""},
        gap=False,
        other=False,
    ),
    Case(
        alert="StanzaUnwatched",
        changes={},
        down=(5, 30),
        expect={
            19: "ExporterDown/warning ExporterDown/critical",
            20: "critical ExporterDown/warning ExporterDown/critical",
            29: "critical ExporterDown/warning ExporterDown/critical",
            31: "",
        },
        ha=SAME,
        pair={20: "", 29: ""},
        gap=False,
    ),
    Case(
        alert="StanzaUnwatched",
        name="a stanza that is no longer expected",
        changes={"stanza_expected stanza=main": {0: 1, 5: None}},
        expect={20: "", 30: ""},
        gap=False,
    ),
    Case(
        alert="StanzaUnwatched",
        name="two days later",
        step=60,
        changes={"up": {0: 1, 300: 0}, "stanza_expected stanza=main": {0: 1, 300: None}},
        expect={48 * 60: "critical", 70 * 60: "critical", 80 * 60: ""},
        gap=False,
        other=False,
    ),
    Case(
        alert="StanzaNoneExpected",
        changes={"stanza_expected stanza=main": {0: 1, 5: None, 60: 1}},
        expect={34: "", 35: "warning critical", 59: "warning critical", 61: ""},
        ha=SAME,
        pair={34: "", 35: "warning", 59: "warning", 61: ""},
    ),
    Case(
        alert="StanzaNoneExpected",
        name="by exporters of two versions",
        changes={
            "stanza_expected stanza=main": {0: None},
            f"exporter_build_info version=2 python_version=4 {_B}": {0: 1},
        },
        expect={16: "warning critical", 30: "warning critical"},
    ),
    Case(
        alert="CollectorFailing",
        changes={f"{_SUCCESS}=info": {0: 1, 5: 0, 40: 1}},
        expect={19: "", 20: "warning critical", 39: "warning critical", 40: ""},
        ha=SAME,
        pair={20: "warning", 39: "warning", 40: ""},
    ),
    Case(
        alert="CollectorFailing",
        name="of one stanza",
        changes={f"{_SUCCESS}=archiver stanza=main": {0: 1, 5: 0, 40: 1}},
        expect={19: "", 20: "warning", 39: "warning", 40: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="CollectorFailing",
        name="one reading",
        changes={f"{_SUCCESS}=info": {0: 1, 5: 0, 19: 1}},
        expect={18: "", 20: "", 30: ""},
    ),
    Case(
        alert="ConfigReloadFailed",
        changes={"exporter_config_reload_success": {0: 1, 5: 0, 30: 1}},
        expect={14: "", 15: "warning", 29: "warning", 30: ""},
        ha=SAME,
        pair=SAME,
    ),
    *(
        Case(
            alert="ThresholdsDisagree",
            name=name,
            step=5,
            changes={f"{series} {_B}": {0: same, 10: other, 120: same}},
            expect={65: "", 70: "warning", 115: "warning", 120: ""},
        )
        for name, series, same, other in (
            ("", _RESTORE_TEST, 15 * DAY, INF),
            ("the other one is stricter", _RESTORE_TEST, 15 * DAY, DAY),
            ("of space", _SPACE, 0.9, 0.95),
            ("of space, the other one is stricter", _SPACE, 0.9, 0.85),
        )
    ),
    Case(
        alert="ThresholdsDisagree",
        name="both alike",
        step=5,
        changes={},
        expect={120: ""},
        ha=SAME,
    ),
    *(
        Case(
            alert="ThresholdsMissing",
            name=name,
            step=5,
            changes={series: healthy()[series] | {10: None, 120: healthy()[series][0]} for series in those},
            expect={75: "", 95: "warning", 115: "warning", 120: ""},
            ha=SAME,
            pair=SAME,
        )
        for name, those in (
            ("", [_RESTORE_TEST]),
            ("of a repository", ["threshold_seconds stanza=main repo=2 signal=backup severity=warning"]),
            ("of space", [_SPACE]),
            (
                "any of a stanza",
                [key for key in healthy() if key.startswith("threshold_seconds stanza=main s")],
            ),
        )
    ),
    Case(
        alert="StanzaMissing",
        changes={
            "stanza_ok stanza=main": {0: 1, 5: 0, 50: 1},
            "stanza_status_code stanza=main": {0: 0, 5: None, 50: 0},
            "repo_ok stanza=main repo=1": {0: 1, 5: None, 50: 1},
            "repo_ok stanza=main repo=2": {0: 1, 5: None, 50: 1},
        },
        expect={29: "", 30: "critical", 49: "critical", 50: ""},
        ha=SAME,
        pair={30: "", 49: "StanzaNotOk/warning"},
    ),
    *(
        Case(
            alert="StanzaMissing",
            name=f"asked for by name, code {code}",
            changes={
                "stanza_ok stanza=main": {0: 1, 5: 0, 30: 1},
                "stanza_status_code stanza=main": {0: 0, 5: code, 30: 0},
            },
            expect={14: "", 15: "critical", 29: "critical", 30: ""},
        )
        for code in (1, 3)
    ),
    Case(
        alert="StanzaMissing",
        name="its exporter cannot read anything",
        changes={"stanza_ok stanza=main": {0: 1, 5: None}, "stanza_status_code stanza=main": {0: 0, 5: None}},
        expect={20: "", 40: ""},
    ),
    Case(
        alert="StanzaNotOk",
        changes={
            "stanza_ok stanza=main": {0: 1, 5: 0, 30: 1},
            "stanza_status_code stanza=main": {0: 0, 5: 4, 30: 0},
            "repo_ok stanza=main repo=1": {0: 1, 5: 0, 30: 1},
            "repo_ok stanza=main repo=2": {0: 1, 5: 0, 30: 1},
            "repo_status_code stanza=main repo=1": {0: 0, 5: 99, 30: 0},
            "repo_status_code stanza=main repo=2": {0: 0, 5: 99, 30: 0},
        },
        expect={14: "", 15: "critical RepoNotOk/warning*2", 29: "critical RepoNotOk/warning*2", 30: ""},
        ha=SAME,
        pair={15: "RepoNotOk/warning*2", 29: "RepoNotOk/warning*2", 30: ""},
    ),
    *(
        Case(
            alert="StanzaNotOk",
            name=f"though its repositories are, code {code}",
            changes={
                "stanza_ok stanza=main": {0: 1, 5: 0, 30: 1},
                "stanza_status_code stanza=main": {0: 0, 5: code, 30: 0},
            },
            expect={14: "", 15: "warning", 29: "warning", 30: ""},
            ha=SAME,
            pair=SAME,
        )
        for code in (4, 5)
    ),
    Case(
        alert="StanzaNotOk",
        name="one exporter does not see it, the other missed a scrape",
        changes={
            "stanza_ok stanza=main": {0: 0},
            "stanza_status_code stanza=main": {0: None},
            "repo_ok stanza=main repo=1": {0: None},
            "repo_ok stanza=main repo=2": {0: None},
            f"stanza_ok stanza=main {_B}": {0: 1, 20: None, 22: 1},
        },
        expect={9: "", 10: "warning", 20: "warning", 21: "warning"},
    ),
    Case(
        alert="StanzaNotOk",
        name="one of two repositories is good",
        changes={
            "stanza_ok stanza=main": {0: 1, 5: 0},
            "stanza_status_code stanza=main": {0: 0, 5: 4},
            "repo_ok stanza=main repo=1": {0: 1, 5: 0},
            "repo_status_code stanza=main repo=1": {0: 0, 5: 99},
        },
        expect={14: "", 15: "RepoNotOk/warning"},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="StanzaNotOk",
        name="there is no backup yet",
        changes={
            "stanza_ok stanza=main": {0: 1, 5: 0},
            "stanza_status_code stanza=main": {0: 0, 5: 2},
            "repo_ok stanza=main repo=1": {0: 1, 5: 0},
            "repo_ok stanza=main repo=2": {0: 1, 5: 0},
            "repo_status_code stanza=main repo=1": {0: 0, 5: 2},
            "repo_status_code stanza=main repo=2": {0: 0, 5: 2},
        },
        expect={30: ""},
        pair={30: ""},
    ),
    Case(
        alert="StanzaNotOk",
        name="one exporter does not see it",
        changes={
            "stanza_ok stanza=main": {0: 1, 5: 0},
            "stanza_status_code stanza=main": {0: 0, 5: None},
            "repo_ok stanza=main repo=1": {0: 1, 5: None},
            "repo_ok stanza=main repo=2": {0: 1, 5: None},
        },
        expect={30: ""},
        pair={14: "", 15: "warning", 30: "warning"},
    ),
    Case(
        alert="StanzaNotOk",
        name="it is missing",
        changes={
            "stanza_ok stanza=main": {0: 1, 5: 0},
            "stanza_status_code stanza=main": {0: 0, 5: 3},
            "repo_ok stanza=main repo=1": {0: 1, 5: None},
            "repo_ok stanza=main repo=2": {0: 1, 5: None},
        },
        expect={30: ""},
    ),
    Case(
        alert="RepoNotOk",
        changes={
            "repo_ok stanza=main repo=2": {0: 1, 5: 0, 30: 1},
            "repo_status_code stanza=main repo=2": {0: 0, 5: 99, 30: 0},
        },
        expect={14: "", 15: "warning", 29: "warning", 30: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="RepoNotOk",
        name="there is no backup yet",
        changes={
            "repo_ok stanza=main repo=2": {0: 1, 5: 0},
            "repo_status_code stanza=main repo=2": {0: 0, 5: 2},
        },
        expect={30: ""},
    ),
    Case(
        alert="StanzaStopped",
        changes={"stanza_stopped stanza=main": {0: 0, 5: 1, 30: 0}},
        expect={14: "", 15: "warning", 29: "warning", 30: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="StanzaNameCollision",
        changes={f"{_DATABASE} system_id=9009 state=current instance=b": {0: None, 5: 1, 30: None}},
        expect={19: "", 20: "warning", 29: "warning", 50: ""},
    ),
    Case(
        alert="StanzaNameCollision",
        name="each in a repository of its own",
        changes={
            f"database_info stanza=main repo=3 database_id=1 pg_version=15 system_id=9 state=current {_B}": {
                0: 1
            }
        },
        expect={14: "", 15: "warning", 30: "warning"},
    ),
    Case(
        alert="StanzaNameCollision",
        name="two older databases before upgrades",
        changes={f"{_DATABASE} system_id={number} state=prior": {0: 1} for number in (8008, 9009)},
        expect={30: ""},
        ha=SAME,
    ),
    Case(
        alert="RuleFailures",
        changes={
            f"{_FAILURES}=/etc/pgbackrest.rules.yml;pgbackrest.wal": {
                0: 0,
                5: 1,
            },
        },
        expect={4: "", 6: "warning", 15: "warning", 25: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="RuleFailures",
        name="of other rules",
        changes={f"{_FAILURES}=/etc/other.yml;other": {0: Ramp(0, 1)}},
        expect={20: ""},
    ),
    Case(
        alert="NotificationsFailing",
        changes={
            "alertmanager_notifications_failed_total job=alertmanager integration=slack reason=other": {
                0: 0,
                5: Ramp(0, 1),
                80: 75,
            }
        },
        expect={4: "", 7: "warning", 65: "warning", 66: "warning critical", 80: "warning critical", 100: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="NotificationsFailing",
        name="of PagerDuty",
        changes={
            "alertmanager_notifications_failed_total job=alertmanager integration=pagerduty reason=other": {
                0: 0,
                5: Ramp(0, 1),
                80: 75,
            }
        },
        expect={4: "", 7: "warning", 66: "warning", 80: "warning", 100: ""},
    ),
    Case(
        alert="NotificationsFailing",
        name="once",
        changes={
            "alertmanager_notifications_failed_total job=alertmanager integration=slack reason=other": {
                0: 0,
                20: 1,
            }
        },
        expect={19: "", 21: "warning", 30: "warning", 40: ""},
    ),
    Case(
        alert="NotificationsFailing",
        name="for two reasons, to two receivers",
        changes={
            "alertmanager_notifications_failed_total job=alertmanager integration=slack reason=other": {
                0: 0,
                5: Ramp(0, 1),
                80: 75,
            },
            "alertmanager_notifications_failed_total job=alertmanager integration=slack reason=clientError "
            "receiver_name=pgbackrest-slack": {
                0: 0,
                5: Ramp(0, 1),
                80: 75,
            },
        },
        expect={4: "", 7: "warning", 66: "warning critical"},
    ),
)
