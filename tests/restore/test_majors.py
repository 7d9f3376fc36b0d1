"""Every PostgreSQL that is installed here is tested, or is named by POSTGRESQL_BINARIES: pgBackRest has to know it."""

from pathlib import Path

import pytest

from tests.lab.lab import Lab
from tests.lab.postgresql import installations
from tests.restore.proofs import Proofs, dsn

FOLDERS = installations()


@pytest.mark.parametrize("programs", FOLDERS, ids=str)
def test_a_raised_setting_a_slot_and_a_moment_are_proven_on_each(
    lab: Lab, proofs: Proofs, programs: Path
) -> None:
    name = f"major{FOLDERS.index(programs)}"
    stanza = lab.stanza(name, programs=programs)
    cluster = stanza.cluster
    cluster.sql("select pg_create_physical_replication_slot('standby')")
    stanza.write(1_000)
    stanza.backup("full")
    stanza.write(1_000)
    moment = cluster.sql("select clock_timestamp()")
    stanza.write(1)
    stanza.switch_wal()
    cluster.sql("alter system set max_connections = 60")
    cluster.stop()
    cluster.start()
    stanza.write(1)
    stanza.switch_wal()
    settings = {"postgresql": dsn(stanza), "binaries": {cluster.major: str(programs)}}
    latest = proofs.run(stanza, "--target=latest", canary=True, amcheck="full", **settings)
    assert latest.code == 0, latest.said
    assert "starting again" in latest.said
    assert latest.record["pg_version"] == cluster.major
    for check in ("recovered_to", "timeline", "tables", "slots", "repository_unchanged"):
        assert latest.state(check) == "ok"
    rows = [{"name": "rows", "query": "select count(*) from lab", "expected": 2000}]
    then = proofs.run(stanza, f"--target=time={moment}", amcheck="off", queries=rows, **settings)
    assert then.code == 0, then.said
    assert proofs.leftovers() == []
    cluster.stop()
