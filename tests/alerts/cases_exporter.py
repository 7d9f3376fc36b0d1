"""Cases of the alerts about exporters and their settings."""

from tests.alerts.case import SAME, Case
from tests.alerts.world import DAY, INF, healthy

_B = "instance=b"
_SUCCESS = "exporter_collector_success collector"
_RESTORE_TEST = "threshold_seconds stanza=main signal=restore_test severity=critical"
_SPACE = "threshold_ratio repo=1 signal=repo_used severity=critical"

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
    Case(
        alert="ThresholdsMissing",
        name="of space, as no stanza is found in any repository",
        step=5,
        changes={
            "repo_status_code stanza=main repo=1": {0: None},
            "repo_status_code stanza=main repo=2": {0: None},
            "threshold_ratio repo=1 signal=repo_used severity=warning": {0: None},
            _SPACE: {0: None},
        },
        expect={95: ""},
        gap=False,
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
)
