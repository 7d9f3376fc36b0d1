"""The examination of what was restored: PostgreSQL is started on it, replays WAL, is checked, and stopped again."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from exporter import wal
from exporter.pgbackrest.client import Client
from exporter.programs.process import ProcessError, run
from exporter.restore import configuration, controldata, pgbackrest, wal_guard
from exporter.restore.binaries import Binaries
from exporter.restore.checks import catalogs, checksums, indexes, queries, recovery, tables
from exporter.restore.checks import production as comparisons
from exporter.restore.choice import Choice
from exporter.restore.controldata import ControlData, ControlDataError
from exporter.restore.database import DatabaseError, environment, one_line
from exporter.restore.findings import CouldNotTryError, Findings
from exporter.restore.production import Production
from exporter.restore.replay import Patience, Recovered, RecoveryError, Way, recovered
from exporter.restore.scene import Scene
from exporter.restore.server import Server, started
from exporter.restore.workplace import Workplace
from exporter.settings.restore_tests import RestoreTests

# WAL may raise max_connections and its like several times; each needs another start.
_STARTS = 20
_STAGES = ("instance_started", "consistency", "recovery_ended")
_OVERRIDES = {"archive_mode": "off", "archive_command": "", "listen_addresses": ""}


@dataclass(slots=True, kw_only=True)
class Examination:
    """The life of the restored server; *timeline* is its own, once it was promoted."""

    client: Client
    settings: RestoreTests
    place: Workplace
    binaries: Binaries
    choice: Choice
    production: Production
    findings: Findings
    guarded: bool
    timeline: int | None = field(default=None, init=False)
    _aimed: bool = field(default=True, init=False)

    async def run(self) -> None:
        """Start, replay, check, stop. Raises NotProvenError or CouldNotTryError."""
        control = await self._control()
        for _ in range(_STARTS):
            file = await self._configure(control)
            async with started(
                self.binaries,
                self.place,
                file,
                nice=self.settings.nice,
                log=self.findings.hear,
                overrides=_OVERRIDES,
                environment=pgbackrest.environment_of_recovery(self.place),
            ) as server:
                result = await self._replay(server, control)
                if result is not None:
                    scene = await self._scene(result)
                    with self.findings.phase("checks"):
                        await _check(scene)
                    with self.findings.phase("stop"):
                        stopped = await server.stop()
            if result is not None:
                with self.findings.phase("checksums"):
                    await checksums.check(scene, stopped=stopped)
                return
            known, control = control, await self._control()
            if control == known and self._aimed:
                break
        raise self.findings.give_up(
            "recovery_ended", "WAL asks for larger settings again and again: see the log"
        )

    async def _replay(self, server: Server, control: ControlData) -> Recovered | None:
        """Wait for the end of recovery; None: it has to be started once more."""
        with self.findings.phase("replay"):
            try:
                result = await recovered(
                    server,
                    self.place,
                    self.settings.user,
                    patience=Patience(
                        within=self.settings.replay_within, stalled_after=self.settings.stalled_after
                    ),
                    way=self._way(control.segment_size),
                    findings=self.findings,
                )
            except RecoveryError as error:
                # Promoted and yet not usable: what it may have archived is looked for all the same.
                self.timeline = int(server.log.found.get("timeline", 0)) or None
                if server.log.needs_more:
                    self.findings.report.line("   WAL asks for larger settings: starting again with them")
                    return None
                if server.log.target_missed and self.choice.random:
                    self.findings.report.line("   no transaction after that moment: replaying all there is")
                    self._aimed = False
                    return None
                raise self._gave_up(error) from None
        self.timeline = result.timeline
        self.findings.replayed_wal_bytes = max(0, result.end - result.start) if result.start else None
        self.findings.recovered_to = result.last_transaction
        return result

    def _gave_up(self, error: RecoveryError) -> Exception:
        if record := wal_guard.caught(self.place):
            return CouldNotTryError(
                "a tablespace was created or dropped after the backup, and replaying that could delete"
                f" production's files, which are on this host ({record}): take a backup, or test on another host"
            )
        for stage in _STAGES[: _STAGES.index(error.check)]:
            self.findings.ok(stage)
        return self.findings.give_up(error.check, str(error))

    async def _scene(self, result: Recovered) -> Scene:
        return Scene(
            choice=self.choice if self._aimed else _without_target(self.choice),
            place=self.place,
            binaries=self.binaries,
            control=await self._control(),
            recovered=result,
            production=self.production,
            settings=self.settings,
            findings=self.findings,
        )

    async def _control(self) -> ControlData:
        try:
            return await controldata.read(self.binaries, str(self.place.data))
        except (ControlDataError, ProcessError) as error:
            raise self.findings.give_up("restored", str(error)) from None

    async def _configure(self, control: ControlData) -> Path:
        guard = wal_guard.command(self.binaries, self.place) if self.guarded else None
        file = configuration.write(
            self.place,
            major=self.binaries.major,
            minima=control.settings,
            recovery=configuration.recovery(
                self._target(), pgbackrest.restore_command(self.client, self.choice, self.place), guard
            ),
            memory=int(self.settings.shared_buffers),
            libraries=self.settings.shared_preload_libraries,
            role=self.settings.user,
        )
        await self._refuse_archiving(file)
        return file

    async def _refuse_archiving(self, file: Path) -> None:
        """Ask PostgreSQL itself, before it runs, what archive_mode will be."""
        words = [word for name, value in _OVERRIDES.items() for word in ("-c", f"{name}={value}")]
        argv = (
            *(self.binaries.program("postgres"), "-D", str(self.place.data), "-c", f"config_file={file}"),
            *(*words, "-C", "archive_mode"),
        )
        try:
            done = await run(argv, within=30.0, env=environment())
        except ProcessError as error:
            raise self.findings.give_up("instance_started", str(error)) from None
        said = bytes(done.stdout).decode(errors="replace").strip()
        if done.exit_code:
            errors = " ".join(done.stderr.decode(errors="replace").split())
            raise self.findings.give_up("instance_started", errors[:400])
        if said != "off":
            raise self.findings.refuse("archiving_off", f"archive_mode would be {said}: it is not started")

    def _target(self) -> Mapping[str, str]:
        if self.choice.target == "immediate":
            return {"recovery_target": "immediate", "recovery_target_timeline": "current"}
        if self.choice.moment is not None and self._aimed:
            return {
                "recovery_target_time": datetime.fromtimestamp(self.choice.moment, UTC).isoformat(sep=" ")
            }
        return {}

    def _way(self, size: int) -> Way:
        newest = wal.parse(self.choice.archive.newest or "") if self.choice.target == "latest" else None
        return Way(segment_size=size, end=(newest.number(size) + 1) * size if newest else None)


def _without_target(choice: Choice) -> Choice:
    return replace(choice, target="latest")


async def _check(scene: Scene) -> None:
    await recovery.check(scene)
    try:
        databases = await catalogs.databases(scene)
    except DatabaseError as error:
        raise scene.findings.give_up("catalogs", one_line(error)) from None
    await catalogs.check_catalogs(scene, databases)
    await tables.check(scene, databases)
    await indexes.check(scene, databases)
    await catalogs.check_extensions(scene, databases)
    await queries.check(scene)
    await comparisons.check_table_counts(scene)
    await comparisons.check_slots(scene)
