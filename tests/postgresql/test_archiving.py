"""What a real primary says while archiving works, fails, hangs and heals."""

import asyncio
import time

from tests.postgresql.node import Node, role
from tests.postgresql.reading import archiving, reader, until

MIB = 1 << 20


async def test_a_primary_that_archives_is_told_of_and_its_archived_segments_are_counted(
    primary: Node,
) -> None:
    collector = reader(primary.conninfo)
    before = await until(collector, lambda one: one.ready_segments == 0)
    assert (before.server, before.role, before.enabled) == (primary.name, "primary", True)
    assert (before.timeline, before.wal_segment_size, before.archived) == (1, 16 * MIB, 0)
    assert before.lag_bytes is not None
    assert before.lag_bytes < 16 * MIB
    primary.switch_wal()
    after = await until(collector, lambda one: one.archived == 1)
    assert after.position > before.position
    assert after.last_archived is not None
    assert abs(after.last_archived - time.time()) < 30


async def test_unchanged_facts_are_the_very_same_object(primary: Node) -> None:
    collector = reader(primary.conninfo)
    pairs = [(await collector.read(), await collector.read()) for _ in range(10)]
    assert any(first is second for first, second in pairs), "the server may write by itself now and then"


async def test_a_command_that_fails_shows_and_clears_by_itself(primary: Node) -> None:
    collector = reader(primary.conninfo)
    await archiving(collector)
    primary.set("archive_command", "cp %p /nowhere/%f")
    primary.switch_wal()
    failing = await until(collector, lambda one: one.failing)
    assert failing.oldest_ready is not None
    assert abs(failing.oldest_ready - time.time()) < 30
    assert failing.ready_segments >= 1
    assert failing.lag_bytes is not None
    assert failing.lag_bytes >= 16 * MIB
    assert failing.failures >= 1
    assert failing.enabled
    primary.set("archive_command", primary.storing)
    healed = await until(collector, lambda one: one.ready_segments == 0)
    assert (healed.failing, healed.oldest_ready) == (False, None)
    assert healed.last_failed is not None, "that is history"


async def test_a_command_that_hangs_lags_without_failing(primary: Node) -> None:
    collector = reader(primary.conninfo)
    await until(collector, lambda one: one.ready_segments == 0)
    primary.set("archive_command", f"while ! test -e {primary.gate}; do sleep 0.1; done; {primary.storing}")
    primary.switch_wal()
    waiting = await until(collector, lambda one: one.oldest_ready is not None)
    assert not waiting.failing
    primary.gate.touch()
    await until(collector, lambda one: one.ready_segments == 0)
    primary.set("archive_command", primary.storing)


async def test_an_empty_command_and_one_that_stores_nothing_are_no_archiving(primary: Node) -> None:
    collector = reader(primary.conninfo)
    for command, words in (("", "archive_command is empty"), ("/bin/true", "archives nothing")):
        primary.set("archive_command", command)
        found = await until(collector, lambda one: not one.enabled)
        assert words in str(found.hindrance)
        primary.set("archive_command", primary.storing)
        await until(collector, lambda one: one.enabled)


async def test_a_reset_of_the_statistics_is_no_step_back(primary: Node) -> None:
    collector = reader(primary.conninfo)
    await archiving(collector)
    primary.switch_wal()
    await until(collector, lambda one: one.archived == 1)
    primary.sql("select pg_stat_reset_shared('archiver')")
    reset = await until(collector, lambda one: one.last_archived is None)
    assert (reset.archived, reset.failing) == (1, False)
    primary.switch_wal()
    await until(collector, lambda one: one.archived == 2)


async def test_one_connection_is_kept_outside_any_transaction_and_ends_with_its_collector(
    primary: Node,
) -> None:
    collector = reader(primary.conninfo)
    for _ in range(3):
        await archiving(collector)
    rows = primary.sql(
        "select state, usename, pid from pg_stat_activity where application_name = 'pgbackrest-exporter'"
    )
    assert rows.startswith("idle|exporter|")
    assert "\n" not in rows
    primary.sql(f"select pg_terminate_backend({rows.split('|')[2]})")
    assert (await archiving(collector)).server == primary.name, "at once by a new one"
    del collector  # as when a reload takes its place
    activity = "select count(*) from pg_stat_activity where application_name = 'pgbackrest-exporter'"
    for _ in range(100):
        if primary.sql(activity) == "0":
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it is not closed")


async def test_the_role_has_one_right_and_its_file_may_be_run_again(primary: Node) -> None:
    primary.sql(role())
    primary.sql(role())
    await archiving(reader(primary.conninfo))
    assert primary.sql("select pg_has_role('exporter', 'pg_monitor', 'member')") == "f"
    assert primary.sql("select has_function_privilege('exporter', 'pg_ls_waldir()', 'execute')") == "f"
    assert (
        primary.sql(
            "select rolsuper or rolcreaterole or rolreplication from pg_roles where rolname = 'exporter'"
        )
        == "f"
    )
