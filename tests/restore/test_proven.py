"""Backups that restore: each kind of target and of cluster is proven, and nothing is left behind."""

import re
import time

from exporter.model.restore_tests import CHECKS
from tests.lab.stanza import Stanza
from tests.restore.proofs import Proofs, dsn, fingerprint

# What was written last is as old as the moment to which it was recovered.
FRESH = "max(written) between {0} - interval '10 s' and {0}".format(
    "current_setting('restore_test.recovered_to')::timestamptz"
)


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
    assert len(outcome.checks) == len(CHECKS)
    assert outcome.checks["slots"]["value"] == "2"
    assert outcome.record["restored_bytes"] > 20_000_000
    assert outcome.record["replayed_wal_bytes"] > 0
    assert abs(outcome.record["recovered_to"] - time.time()) < 60
    assert list(outcome.record["phases"]) == [
        "prepare", "canary", "restore", "replay", "checks", "stop", "checksums", "clean_up"
    ]  # fmt: skip
    assert proofs.leftovers() == []


def test_a_backup_alone_is_proven_up_to_where_it_is_consistent(proofs: Proofs, sound: Stanza) -> None:
    outcome = proofs.run(sound, "--target=immediate", amcheck="off")
    assert outcome.code == 0, outcome.said
    assert (outcome.record["target"], outcome.state("recovered_to")) == ("immediate", "ok")
    assert outcome.state("timeline") == "skipped", "no connection to production was given"


def test_a_moment_is_proven_in_the_encrypted_repository(proofs: Proofs, sound: Stanza) -> None:
    sound.write(1)
    moment = sound.cluster.sql("select clock_timestamp()")
    sound.write(1)
    sound.switch_wal()
    rows = sound.cluster.sql(f"select count(*) from lab where written <= '{moment}'")
    queries = [
        {"name": "rows", "query": "select count(*) from lab", "expected": rows},
        {"name": "age", "query": f"select {FRESH} from lab"},
    ]
    outcome = proofs.run(sound, f"--target=time={moment}", "--repo=2", amcheck="off", queries=queries)
    assert outcome.code == 0, outcome.said
    assert (outcome.record["target"], outcome.record["repo"]) == ("time", 2)
    assert "recovery stopping before commit" in outcome.checks["recovered_to"]["words"]


def test_a_random_moment_is_proven(proofs: Proofs, sound: Stanza) -> None:
    outcome = proofs.run(sound, "--target=random", amcheck="off")
    assert outcome.code == 0, outcome.said
    assert (outcome.record["target"], outcome.record["random"]) == ("time", True)
    assert outcome.record["moment"] < time.time()


def test_a_raised_max_connections_is_followed_and_the_repository_is_untouched(
    proofs: Proofs, plain: Stanza
) -> None:
    """Production is down, as on a host of its own; its archive_mode is on, and nothing reaches the repository."""
    before = fingerprint(proofs.lab.repository(1), plain.name)
    assert before
    outcome = proofs.run(plain, "--target=latest")
    assert outcome.code == 0, outcome.said
    assert "starting again" in outcome.said
    assert outcome.state("data_checksums") == "skipped", "a cluster without checksums proves nothing by them"
    assert fingerprint(proofs.lab.repository(1), plain.name) == before
    assert proofs.leftovers() == []


def test_repositories_and_targets_take_turns(proofs: Proofs, plain: Stanza) -> None:
    plain_targets = {"targets": ["immediate", "latest"], "amcheck": "off"}
    tested = [proofs.run(plain, **plain_targets).record["target"] for _ in range(2)]
    assert set(tested) == {"immediate", "latest"}


def test_a_terminal_is_shown_how_far_each_long_work_is(proofs: Proofs, sound: Stanza) -> None:
    said = proofs.at_terminal(sound, "--target=latest", amcheck="full")
    assert "PROVEN" in said
    for work in (
        r"restore: \S+ \w+ of \S+ MiB, \d+%",
        r"checks: \S+ \w+ of \S+ MiB of tables and indexes, \d+%",
        r"checksums: \S+ \w+ of \S+ MiB, \d+%",
    ):
        assert re.search(rf"\r\x1b\[K   {work}", said), said
