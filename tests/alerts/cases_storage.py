"""Cases of the alerts about room in the repositories."""

from tests.alerts.case import SAME, Case
from tests.alerts.world import Ramp

CASES = (
    Case(
        alert="RepoSpaceLow",
        changes={
            "repo_used_bytes repo=1": {0: 700, 5: 801, 20: 901, 40: 700},
            "repo_available_bytes repo=1": {0: 300, 5: 199, 20: 99, 40: 300},
        },
        expect={14: "", 15: "warning", 29: "warning", 30: "warning critical", 39: "warning critical", 40: ""},
        ha=SAME,
        pair=SAME,
    ),
    *(
        Case(
            alert="RepoSpaceLow",
            name=f"exactly at {used / 10:g} %",
            changes={
                "repo_used_bytes repo=1": {0: used},
                "repo_available_bytes repo=1": {0: 1000 - used},
            },
            expect={30: fires},
        )
        for used, fires in ((800, ""), (900, "warning"))
    ),
    Case(
        alert="RepoSpaceTrend",
        step=10,
        changes={"repo_available_bytes repo=1": {0: Ramp(300, -0.06), 200: 288}},
        expect={60: "", 70: "warning", 120: "warning", 900: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="RepoSpaceTrend",
        name="there is room enough, or it would take longer",
        step=10,
        changes={"repo_used_bytes repo=1": {0: 400}, "repo_available_bytes repo=1": {0: Ramp(300, -0.06)}},
        expect={100: ""},
    ),
    Case(
        alert="RepoSpaceTrend",
        name="not by far",
        step=10,
        changes={"repo_used_bytes repo=1": {0: 640}, "repo_available_bytes repo=1": {0: Ramp(360, -0.1)}},
        expect={60: "", 70: "warning", 100: "warning"},
    ),
    Case(
        alert="RepoSpaceTrend",
        name="exactly at 60 %",
        step=10,
        changes={
            "repo_used_bytes repo=1": {0: 600},
            "repo_available_bytes repo=1": {0: Ramp(460, -0.6), 100: 400},
        },
        expect={100: "", 180: ""},
    ),
    Case(
        alert="RepoSpaceTrend",
        name="it is full already, see RepoSpaceLow",
        step=10,
        changes={"repo_used_bytes repo=1": {0: 1000}, "repo_available_bytes repo=1": {0: 0}},
        expect={100: ""},
    ),
    Case(
        alert="RepoSpaceTrend",
        name="it would take more than four days",
        step=10,
        changes={"repo_available_bytes repo=1": {0: Ramp(300, -0.05)}},
        expect={100: ""},
    ),
    Case(
        alert="RepoSpaceTrend",
        name="days ago it was worse",
        step=60,
        changes={"repo_available_bytes repo=1": {0: 900, 2040: 300}},
        expect={6000: "warning"},
        gap=False,
        other=False,
    ),
    Case(
        alert="RepoInodesLow",
        changes={
            "repo_inodes_used repo=1": {0: 500, 5: 801, 20: 901, 40: 500},
            "repo_inodes_available repo=1": {0: 500, 5: 199, 20: 99, 40: 500},
        },
        expect={14: "", 15: "warning", 29: "warning", 30: "warning critical", 39: "warning critical", 40: ""},
        ha=SAME,
        pair=SAME,
    ),
    *(
        Case(
            alert="RepoInodesLow",
            name=f"exactly at {used / 10:g} %",
            changes={
                "repo_inodes_used repo=1": {0: used},
                "repo_inodes_available repo=1": {0: 1000 - used},
            },
            expect={30: fires},
        )
        for used, fires in ((800, ""), (900, "warning"))
    ),
)
