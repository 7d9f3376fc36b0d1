"""Cases of the alerts about the delivery of alerts."""

from tests.alerts.case import SAME, Case
from tests.alerts.world import Ramp

_FAILURES = "prometheus_rule_evaluation_failures_total job=prometheus rule_group"

CASES = (
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
