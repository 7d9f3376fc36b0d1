"""Cases of the alerts about failovers."""

from tests.alerts.case import SAME, Case
from tests.alerts.world import World

_HISTORY = "wal_archive_newest_history_timeline stanza=main repo"
_TIMELINE = "wal_archive_newest_timeline stanza=main repo"


def _failover(at: float, *, waiting: int, archived: float, history: float | None = None) -> World:
    """Timeline 2 from that minute on; its first segment is archived at another, its history file at yet another."""
    changes: World = {
        "patroni_timeline stanza=main": {0: 1, at: 2},
        "postgresql_timeline stanza=main": {0: 1, at: 2},
        "wal_archive_ready_segments stanza=main": {0: 0, at: waiting, archived: 0},
        f"{_TIMELINE}=1": {0: 1, archived: 2},
        f"{_TIMELINE}=2": {0: 1, archived: 2},
    }
    if history is not None:
        changes |= {f"{_HISTORY}={repo}": {0: 1, history: 2} for repo in (1, 2)}
    return changes


CASES = (
    Case(
        alert="TimelineNotArchived",
        changes=_failover(5, waiting=1, archived=30),
        expect={9: "", 10: "critical*2", 34: "critical*2", 36: ""},
        ha=SAME,
    ),
    Case(
        alert="TimelineNotArchived",
        name="a scrape was missed before the patience was over",
        changes=_failover(5, waiting=1, archived=30),
        down=(7, 8),
        gap=False,
        expect={9: "", 10: "critical*2"},
    ),
    Case(
        alert="TimelineNotArchived",
        name="the new primary was not heard yet, and the old one had archived all",
        changes=_failover(5, waiting=0, archived=30) | {"postgresql_timeline stanza=main": {0: 1, 5: None}},
        expect={9: "", 10: "critical*2"},
    ),
    Case(
        alert="TimelineNotArchived",
        name="the old primary's exporter still tells that it had archived all",
        changes=_failover(5, waiting=1, archived=30)
        | {
            "postgresql_timeline stanza=main instance=b": {0: 1},
            "wal_archive_enabled stanza=main instance=b": {0: 1},
            "wal_archive_ready_segments stanza=main instance=b": {0: 0},
        },
        expect={9: "", 10: "critical*2", 34: "critical*2", 36: ""},
    ),
    Case(
        alert="TimelineNotArchived",
        name="another exporter has not listed the repositories since",
        changes=_failover(5, waiting=1, archived=8)
        | {f"{_TIMELINE}={repo} instance=b": {0: 1} for repo in (1, 2)}
        | {"wal_archive_enabled stanza=main": {0: None}},
        expect={10: "", 20: ""},
    ),
    Case(
        alert="TimelineNotArchived",
        name="another exporter has not listed the history files since",
        changes=_failover(5, waiting=1, archived=90, history=8)
        | {f"{_HISTORY}={repo} instance=b": {0: 1} for repo in (1, 2)},
        expect={10: "", 20: ""},
    ),
    Case(
        alert="TimelineNotArchived",
        name="the new primary is idle, and the old one's exporter tells the past",
        changes=_failover(5, waiting=0, archived=90)
        | {
            "postgresql_timeline stanza=main instance=b": {0: 1},
            "wal_archive_enabled stanza=main instance=b": {0: 0},
        },
        expect={10: "", 20: ""},
    ),
    Case(
        alert="TimelineNotArchived",
        name="the second failover within half an hour, and another exporter has not seen the first",
        changes=_failover(5, waiting=0, archived=100, history=8)
        | {f"{_HISTORY}={repo} instance=b": {0: 1} for repo in (1, 2)}
        | {f"{name}_timeline stanza=main": {0: 1, 5: 2, 20: 3} for name in ("patroni", "postgresql")},
        expect={30: "", 48: "", 60: "critical*2"},
        gap=False,
    ),
    Case(
        alert="TimelineNotArchived",
        name="the new primary says all is archived, and a scrape was missed before the patience was over",
        changes=_failover(5, waiting=0, archived=60, history=60),
        down=(37, 38),
        gap=False,
        expect={39: "", 40: "critical*2"},
    ),
    Case(
        alert="TimelineNotArchived",
        name="only one repository follows, without a word from PostgreSQL",
        changes=_failover(5, waiting=1, archived=8)
        | {
            f"{_TIMELINE}=2": {0: 1, 30: 2},
            "postgresql_timeline stanza=main": {0: None},
            "wal_archive_ready_segments stanza=main": {0: None},
            "wal_archive_enabled stanza=main": {0: None},
        },
        expect={9: "", 10: "critical", 34: "critical", 36: ""},
    ),
    Case(
        alert="TimelineNotArchived",
        name="archiving is off on the new primary, which Patroni does not know",
        changes=_failover(5, waiting=0, archived=30)
        | {"wal_archive_enabled stanza=main": {0: 1, 5: 0, 30: 1}, "patroni_timeline stanza=main": {0: None}},
        expect={9: "", 10: "critical*2 WalArchiveOff/critical", 36: ""},
    ),
    Case(
        alert="TimelineNotArchived",
        name="the new primary is idle, its history file is archived",
        changes=_failover(5, waiting=0, archived=90, history=30),
        expect={10: "", 40: "", 50: ""},
        ha=SAME,
    ),
    Case(
        alert="TimelineNotArchived",
        name="the new primary is idle, and nobody lists the repository",
        changes=_failover(5, waiting=0, archived=90),
        expect={10: "", 40: "", 50: ""},
    ),
    Case(
        alert="TimelineNotArchived",
        name="the new primary says all is archived, and nothing has arrived",
        changes=_failover(5, waiting=0, archived=48, history=48),
        expect={10: "", 39: "", 40: "critical*2", 47: "critical*2", 54: ""},
    ),
    Case(
        alert="TimelineNotArchived",
        name="the new primary has a busy archiver, its history file is archived",
        changes=_failover(5, waiting=1, archived=90, history=8),
        expect={10: "", 40: "", 50: ""},
    ),
    Case(
        alert="TimelineStray",
        changes={f"{_TIMELINE}=1": {0: 1, 5: 2, 30: 1}},
        expect={14: "", 15: "critical", 29: "critical", 30: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="TimelineStray",
        name="of which only the history file is there, and PostgreSQL alone is asked",
        changes={"patroni_timeline stanza=main": {0: None}, f"{_HISTORY}=1": {0: None, 5: 2, 30: None}},
        expect={14: "", 15: "critical", 29: "critical", 50: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="TimelineStray",
        name="of which another exporter has not seen the history file",
        changes={f"{_HISTORY}=1": {0: 2}, f"{_HISTORY}=1 instance=b": {0: 1}},
        expect={9: "", 10: "critical", 30: "critical"},
    ),
    Case(
        alert="TimelineStray",
        name="and Patroni alone is asked",
        changes={"postgresql_timeline stanza=main": {0: None}, f"{_TIMELINE}=1": {0: 1, 5: 2, 30: 1}},
        expect={14: "", 15: "critical", 29: "critical", 30: ""},
    ),
    *(
        Case(
            alert="TimelineStray",
            name=f"it is the primary's own, and another exporter has not heard of it from {source}",
            changes=_failover(5, waiting=0, archived=8, history=6)
            | {"patroni_timeline stanza=main": {0: None}}
            | {f"{source}_timeline stanza=main": {0: 2}, f"{source}_timeline stanza=main instance=b": {0: 1}},
            expect={15: "", 20: ""},
        )
        for source in ("patroni", "postgresql")
    ),
    Case(
        alert="TimelineStray",
        name="it is the primary's own",
        changes=_failover(5, waiting=0, archived=8, history=6),
        expect={15: "", 20: ""},
    ),
    Case(
        alert="ClusterNoLeader",
        changes={"patroni_has_leader stanza=main": {0: 1, 5: 0, 30: 1}},
        expect={9: "", 10: "warning", 34: "warning", 36: ""},
        ha=SAME,
        pair=SAME,
    ),
)
