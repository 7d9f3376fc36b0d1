"""The one query and the role on every PostgreSQL that is here; `make majors` fetches 12 to 18."""

from pathlib import Path

import pytest

from tests.lab.postgresql import installations
from tests.lab.site import Site
from tests.postgresql.node import Node, role
from tests.postgresql.reading import archiving, reader, until

FOLDERS = installations()


@pytest.mark.parametrize("programs", FOLDERS, ids=str)
async def test_archiving_is_told_of_each_major_and_of_its_standby(site: Site, programs: Path) -> None:
    number = FOLDERS.index(programs)
    primary = Node(f"major{number}", site, programs)
    primary.make()
    primary.sql(role())
    collector = reader(primary.conninfo)
    found = await archiving(collector)
    assert (found.role, found.enabled, found.failing, found.timeline) == ("primary", True, False, 1)
    assert found.wal_segment_size == 16 << 20

    primary.switch_wal()
    await until(collector, lambda one: one.archived == 1)
    primary.set("archive_command", "false %p")
    primary.switch_wal()
    failing = await until(collector, lambda one: one.failing)
    assert failing.ready_segments
    assert failing.oldest_ready is not None
    primary.set("archive_command", primary.storing)
    await until(collector, lambda one: not one.failing and one.ready_segments == 0)

    primary.leave()
    primary.configure(archive_mode="always")
    primary.demote()
    standby = await archiving(reader(primary.conninfo))
    assert (standby.role, standby.enabled, standby.timeline) == ("standby", True, None)
    primary.sql("select pg_promote()")
    await until(collector, lambda one: one.role == "primary" and one.timeline == 2)
    primary.stop()
