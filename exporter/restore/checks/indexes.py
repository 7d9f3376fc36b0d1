"""Whether tables and indexes are sound, by amcheck: pg_amcheck from PostgreSQL 14 on, its functions before."""

import re
import time
from dataclasses import dataclass, field

from exporter.human import number_of
from exporter.programs.process import ProcessError, TimedOut, run
from exporter.restore.configuration import PORT
from exporter.restore.database import DatabaseError, Session, environment, is_timeout, one_line, restored
from exporter.restore.scene import Scene
from exporter.restore.sieve import PG_AMCHECK, Sieve

_OPTIONS = {
    "basic": (),
    "parent": ("--parent-check",),
    "full": ("--parent-check", "--heapallindexed", "--rootdescend"),
}
_FOUND = 2  # its exit code when there is corruption
_OLD = """
select c.oid::regclass::text, c.oid from pg_index i join pg_class c on c.oid = i.indexrelid
join pg_am a on a.oid = c.relam
where a.amname = 'btree' and c.relpersistence = 'p' and c.relkind = 'i' and i.indisready and i.indisvalid"""

_AVAILABLE = "select from pg_available_extensions where name = 'amcheck'"
_FUNCTIONS = {
    "basic": "bt_index_check(%s)",
    "parent": "bt_index_parent_check(%s)",
    "full": "bt_index_parent_check(%s, true)",
}
_NOT_INSTALLED = "the extension amcheck is not installed: install postgresql-contrib"


@dataclass(slots=True)
class _Tally:
    checked: int = 0
    faults: list[str] = field(default_factory=list)


async def check(scene: Scene, databases: list[str]) -> None:
    """Check all of them at the level of the settings, in the time of the settings."""
    if scene.settings.amcheck == "off":
        scene.findings.skipped("indexes", "restore_tests.amcheck is off")
    elif scene.binaries.has("pg_amcheck"):
        await _pg_amcheck(scene)
    elif scene.binaries.major >= 14:
        scene.findings.skipped(
            "indexes", f"pg_amcheck is not in {scene.binaries.folder}: install postgresql-contrib"
        )
    else:
        await _by_functions(scene, databases)


async def _pg_amcheck(scene: Scene) -> None:
    within = scene.settings.amcheck_within
    argv = (
        scene.binaries.program("pg_amcheck"),
        *(
            "--all",
            "--install-missing",
            "--progress",
            f"--host={scene.socket}",
            f"--port={PORT}",
            f"--username={scene.role}",
        ),
        *_OPTIONS[scene.settings.amcheck],
    )
    sieve = Sieve(scene.findings.report, PG_AMCHECK, scene.control.block_size, "bytes of tables and indexes")
    try:
        done = await run(argv, within=within, env=environment(), limit=64 << 20, sift=sieve)
    except TimedOut:
        scene.findings.skipped("indexes", _not_done(within))
        return
    except ProcessError as error:
        scene.findings.failed("indexes", str(error))
        return
    said = bytes(done.stdout).decode(errors="replace")
    if done.exit_code == 0:
        scene.findings.ok("indexes", value=scene.settings.amcheck)
    elif done.exit_code == _FOUND:
        scene.findings.failed("indexes", _first_faults(said))
    else:
        words = " ".join(done.stderr.decode(errors="replace").split())
        if "could not open extension control file" in words or "is not available" in words:
            scene.findings.skipped("indexes", _NOT_INSTALLED)
        else:
            scene.findings.failed("indexes", words[:400])


def _first_faults(said: str) -> str:
    """Return the first faults on one line: pg_amcheck names the relation and gives the words in the next lines."""
    faults = re.split(r"\n(?=\S)", said.strip())
    shown = "; ".join(" ".join(fault.split()) for fault in faults[:3])
    return shown[:400] + (f" (and {len(faults) - 3} more)" if len(faults) > 3 else "")


async def _by_functions(scene: Scene, databases: list[str]) -> None:
    within = scene.settings.amcheck_within
    deadline = time.monotonic() + within
    tally, left_out = _Tally(), ""
    for database in databases:
        try:
            async with restored(scene.socket, scene.role, database) as session:
                if not await session.rows(_AVAILABLE):
                    left_out = _NOT_INSTALLED
                    break
                await session.rows("set default_transaction_read_only = off")
                await session.rows("create extension if not exists amcheck schema pg_catalog")
                await _check_indexes(session, database, _FUNCTIONS[scene.settings.amcheck], deadline, tally)
        except DatabaseError as error:
            if is_timeout(error):
                left_out = _not_done(within)
                break
            tally.faults.append(f"{database}: {one_line(error)}")
    if tally.faults:
        scene.findings.failed("indexes", "; ".join(tally.faults[:3]), tally.checked)
    elif left_out:
        scene.findings.skipped("indexes", left_out)
    else:
        scene.findings.ok("indexes", value=number_of(tally.checked, "index", "indexes"))


async def _check_indexes(
    session: Session, database: str, function: str, deadline: float, tally: _Tally
) -> None:
    """Check those of one database. Raises DatabaseError when the time is over or the server gone."""
    for name, oid in await session.rows(_OLD):
        left = max(1, int((deadline - time.monotonic()) * 1000))
        await session.rows(f"set statement_timeout = {left}")
        try:
            await session.rows(f"select {function}", (oid,))
            tally.checked += 1
        except DatabaseError as error:
            if is_timeout(error) or session.lost:
                raise
            tally.faults.append(f"{database}, {name}: {one_line(error)}")


def _not_done(within: float) -> str:
    return f"not done within {within:.0f} s: raise restore_tests.amcheck_within"
