"""All cases."""

from tests.alerts import (
    cases_backup,
    cases_delivery,
    cases_exporter,
    cases_restore,
    cases_runs,
    cases_stanza,
    cases_storage,
    cases_timeline,
    cases_wal,
)
from tests.alerts.case import SAME, Case

CASES = (
    *cases_exporter.CASES,
    *cases_stanza.CASES,
    *cases_backup.CASES,
    *cases_runs.CASES,
    *cases_wal.CASES,
    *cases_timeline.CASES,
    *cases_storage.CASES,
    *cases_restore.CASES,
    *cases_delivery.CASES,
)
_AWAY = Case(
    alert="",
    name="all is well, and the exporters are away for a while",
    changes={},
    down=(20, 34),
    expect={19: "", 33: "", 45: ""},
    ha=SAME,
    gap=False,
)


def cases_of(alert: str) -> list[Case]:
    """Those of one alert; what is no case of exporters that are down has to bear that, too."""
    own = [case for case in CASES if case.alert == alert]
    return own if any(case.down for case in own if not case.name) else [*own, _AWAY]
