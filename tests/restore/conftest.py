"""What these tests share: a lab, and one stanza with a bit of everything that nobody damages."""

from collections.abc import Iterator

import pytest

from tests.lab.lab import Lab
from tests.lab.postgresql import binaries
from tests.lab.stanza import Stanza
from tests.restore.proofs import Proofs

# Written to postgresql.auto.conf, from where they would act at the next start.
HOSTILE = (
    "archive_mode = 'always'",
    "synchronous_standby_names = 'ANY 1 (pg2, pg3)'",  # every commit would wait for ever
    "hba_file = '/nonexistent/pg_hba.conf'",
    "ident_file = '/nonexistent/pg_ident.conf'",
    "listen_addresses = '*'",
    "external_pid_file = '/nonexistent/postgresql.pid'",
    "shared_preload_libraries = 'no_such_library'",
    "primary_conninfo = 'host=pg1'",
    "primary_slot_name = 'pg2'",
    "recovery_target_action = 'pause'",
    "logging_collector = 'on'",
    "log_directory = '/nonexistent'",
    "ssl = 'on'",
)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="session")
def proofs(lab: Lab) -> Proofs:
    return Proofs(lab)


@pytest.fixture(scope="session")
def sound(lab: Lab) -> Stanza:
    """With data checksums, a tablespace, an unlogged table, an extension and slots; in both repositories.

    Its configuration is as hostile as Patroni's or an operator's can be: none of it may act on a restored server.
    """
    stanza = lab.stanza("sound")
    cluster = stanza.cluster
    programs = binaries()
    lab.as_account(str(programs / "pg_ctl"), "stop", "-w", "-s", "-m", "fast", "-D", str(cluster.data))
    lab.as_account(str(programs / "pg_checksums"), "--enable", "--pgdata", str(cluster.data))
    with (cluster.data / "postgresql.conf").open("a") as file:
        file.write("wal_level = logical\n")
    cluster.start()
    space = cluster.data.parent / "space"
    lab.as_account("mkdir", str(space))
    cluster.sql(f"create tablespace fast location '{space}'")
    cluster.sql("create table placed (n int primary key) tablespace fast")
    cluster.sql("insert into placed select generate_series(1, 1000)")
    cluster.sql("create unlogged table fleeting as select generate_series(1, 1000) n")
    cluster.sql("create extension pg_trgm")
    cluster.sql("select pg_create_logical_replication_slot('feed', 'pgoutput')")
    cluster.sql("select pg_create_physical_replication_slot('standby')")
    for setting in HOSTILE:
        cluster.sql(f"alter system set {setting}")
    with (cluster.data / "postgresql.conf").open("a") as file:
        file.write("include '/nonexistent/postgresql.base.conf'\n")
    stanza.write(2_000)
    stanza.backup("full")
    stanza.write(500)
    stanza.backup("full", repo=2)
    stanza.write(500)
    stanza.switch_wal()
    return stanza


@pytest.fixture(scope="session")
def plain(lab: Lab) -> Stanza:
    """Without data checksums. After its backup max_connections was raised; its primary is down since."""
    stanza = lab.stanza("plain")
    cluster = stanza.cluster
    cluster.sql("create function twisted(n bigint) returns bigint immutable language sql return n")
    cluster.sql("create index twisted on lab (twisted(id))")
    stanza.write(3_000)
    stanza.backup("full")
    stanza.write(3_000)
    # From now on the index is wrong: each new call gives another value than those that are in it.
    cluster.sql(
        "create or replace function twisted(n bigint) returns bigint immutable language sql return -n"
    )
    stanza.switch_wal()
    stanza.write(10)
    stanza.switch_wal()
    cluster.stop()
    with (cluster.data / "postgresql.conf").open("a") as file:
        file.write("max_connections = 60\n")
    cluster.start()
    stanza.write(1_000)
    stanza.switch_wal()
    lab.as_account(str(binaries() / "pg_ctl"), "stop", "-w", "-s", "-m", "fast", "-D", str(cluster.data))
    return stanza
