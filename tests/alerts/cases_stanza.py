"""Cases of the alerts about stanzas and repositories as a whole."""

from tests.alerts.case import SAME, Case

_B = "instance=b"
_DATABASE = "database_info stanza=main repo=1 database_id=9 pg_version=16"

CASES = (
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
)
