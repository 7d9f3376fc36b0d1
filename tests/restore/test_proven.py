"""Backups that restore: each kind of target and of cluster is proven, and nothing is left behind."""

import time

from tests.lab.stanza import Stanza
from tests.restore.proofs import Proofs, dsn


def test_the_latest_state_is_proven_by_every_check(proofs: Proofs, sound: Stanza) -> None:
    outcome = proofs.run(
        sound,
        "--target=latest",
        postgresql=dsn(sound),
        canary=True,
        read="full",
        amcheck="full",
        queries=[
            {"name": "rows", "query": "select count(*) from lab", "at_least": 3000},
            {"name": "placed", "query": "select max(n) from placed", "expected": 1000},
            {"name": "unlogged is empty", "query": "select not exists (select from fleeting)"},
        ],
    )
    assert outcome.code == 0, outcome.said
    assert outcome.record["result"] == "proven"
    assert {name: check["state"] for name, check in outcome.checks.items()} == dict.fromkeys(
        outcome.checks, "ok"
    ), outcome.said
    assert len(outcome.checks) == 22
    assert outcome.checks["slots"]["value"] == "2"
    assert outcome.record["restored_bytes"] > 20_000_000
    assert outcome.record["replayed_wal_bytes"] > 0
    assert abs(outcome.record["recovered_to"] - time.time()) < 60
    assert list(outcome.record["phases"]) == [
        "prepare", "canary", "restore", "replay", "checks", "stop", "checksums", "clean_up"
    ]  # fmt: skip
    assert proofs.leftovers() == []
