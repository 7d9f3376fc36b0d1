"""One trial: a backup is chosen, restored and examined, until the last file is removed."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import SystemRandom
from secrets import token_hex

from exporter import wal
from exporter.human import size
from exporter.model.info import Stanza
from exporter.pgbackrest.client import Client
from exporter.pgbackrest.conf import PgBackRestConf
from exporter.pgbackrest.info import Decoder, MalformedError
from exporter.pgbackrest.repositories import Place, places, retention
from exporter.pgbackrest.words import PgBackRestError
from exporter.restore import binaries, pgbackrest, prechecks, production, records, workplace
from exporter.restore.archivefolder import ArchiveFolder
from exporter.restore.binaries import Binaries, BinariesError
from exporter.restore.checks import repository
from exporter.restore.choice import Choice, ChoiceError, choose, kind_and_repo
from exporter.restore.examination import Examination
from exporter.restore.findings import CouldNotTryError, Findings
from exporter.restore.order import Aim, Order
from exporter.restore.production import CanaryError, Production
from exporter.restore.workplace import Workplace, WorkplaceError
from exporter.settings import Settings
from exporter.settings import Stanza as StanzaSettings

# How often a backup may expire under our hands before we give up.
_RETRIES = 2


@dataclass(slots=True, kw_only=True)
class Trial:
    """One test; *choice* is None until it was made, *polluted* tells that the repository was harmed.

    A signal while the files are removed changes nothing of the result: then it was *interrupted* all the same.
    """

    settings: Settings
    conf: PgBackRestConf
    client: Client
    order: Order
    to: Path
    folder: Path
    findings: Findings
    choice: Choice | None = field(default=None, init=False)
    aim: Aim | None = field(default=None, init=False)
    kept: Path | None = field(default=None, init=False)
    polluted: bool = field(default=False, init=False)
    interrupted: bool = field(default=False, init=False)

    async def run(self) -> None:
        """Test, and leave nothing behind. Raises CouldNotTryError or NotProvenError."""
        with self.findings.phase("prepare"):
            prechecks.check_user(self.findings)
            path = self.to / self.order.stanza
            prechecks.check_folder(path, self.conf, self.settings.restore_tests, self.findings)
            choice = self.choice = await self._choose()
            self._tell(choice)
            programs = await self._programs(choice)
        async with self._entered(path) as place:
            await self._test(choice, programs, place)

    async def _test(self, choice: Choice, programs: Binaries, place: Workplace) -> None:
        findings, within = self.findings, self.settings.info.within
        with findings.phase("prepare"):
            prechecks.check_room(place.path, choice, self.settings.restore_tests, findings)
            archive = _archive(self.client, choice, within)
            try:
                before = await archive.timelines()
            except PgBackRestError as error:
                raise CouldNotTryError(str(error)) from None
            theirs = await production.ask(self._conninfo)
        theirs = await self._sing(theirs, choice, archive)
        with findings.forgiving_a_full_disk(place.path):
            choice = await self._restore(choice, place)
        examination = Examination(
            client=self.client,
            settings=self.settings.restore_tests,
            place=place,
            binaries=programs,
            choice=choice,
            production=theirs,
            findings=findings,
            guarded=self._guarded,
        )
        patience = repository.PATIENCE
        try:
            with findings.forgiving_a_full_disk(place.path):
                await examination.run()
        except asyncio.CancelledError:
            patience = 0.0
            raise
        finally:
            # Whatever happened: once the server was promoted it has a timeline, which must be nowhere else.
            own = examination.timeline
            self.polluted = own is not None and not await repository.check(
                archive, before, place, own, findings, patience=patience
            )

    @property
    def _guarded(self) -> bool:
        """Whether data directories of production are in reach of what WAL does to tablespaces."""
        return any(map(prechecks.may_be_here, prechecks.data_directories(self.conf)))

    @property
    def _conninfo(self) -> str | None:
        return self.settings.stanzas.get(self.order.stanza, StanzaSettings()).postgresql

    async def _choose(self) -> Choice:
        try:
            stanza = await self._info()
            tests = self.settings.restore_tests
            aims = [Aim(kind) for kind in tests.targets]  # type: ignore[arg-type] # read as one of KINDS
            aim, repo = kind_and_repo(self.order, stanza, aims, tests.repos, self._tried())
            self.aim = aim
            newest = time.time()
            if aim.kind == "random":
                newest = await self._newest(stanza, repo) or newest
            return choose(
                self.order,
                stanza,
                aim,
                repo,
                newest=newest,
                whole_from=_whole_from(self.conf, self.order.stanza, repo),
                chance=SystemRandom(),
            )
        except (ChoiceError, PgBackRestError, MalformedError) as error:
            raise CouldNotTryError(str(error)) from None

    async def _info(self) -> Stanza:
        document = await self.client.info(within=self.settings.info.within, stanza=self.order.stanza)
        found = [
            one for one in Decoder().decode(document) if one is not None and one.name == self.order.stanza
        ]
        if not found:
            raise ChoiceError(f"stanza {self.order.stanza}: pgbackrest info does not list it")
        return found[0]

    async def _newest(self, stanza: Stanza, repo: int) -> float | None:
        archive = next((one for one in stanza.current_archives() if one.repo == repo), None)
        database = stanza.current_database(repo)
        if archive is None or database is None or archive.newest is None:
            return None
        lies = ArchiveFolder(
            self.client, stanza.name, repo, f"{database.version}-{database.id}", self.settings.info.within
        )
        return await lies.arrived(archive.newest)

    def _tried(self) -> dict[tuple[int, str], float]:
        """Return when each repository and kind was tried last, as far as the records reach back."""
        tried: dict[tuple[int, str], float] = {}
        for name in records.names(self.folder):
            try:
                record = records.read(self.folder / name)
            except records.RecordError:
                continue
            if record.repo is not None:
                tried[record.repo, "random" if record.random else record.target] = record.started
        return tried

    def _tell(self, choice: Choice) -> None:
        backup = choice.backup
        self.findings.report.line(
            f"   stanza {backup.stanza}, repository {choice.repo}, {backup.type} backup {backup.label}"
            f" of PostgreSQL {choice.database.version}, target {self.aim}"
            + (f": {Aim('time', choice.moment)}" if choice.random else "")
        )

    async def _programs(self, choice: Choice) -> Binaries:
        try:
            found = await binaries.find(
                choice.database.version,
                self.settings.restore_tests.binaries,
                needed=("pg_controldata", "pg_checksums", *(("pg_waldump",) if self._guarded else ())),
            )
        except BinariesError as error:
            raise self.findings.refuse("binaries", str(error)) from None
        self.findings.ok("binaries", value=found.folder)
        return found

    @asynccontextmanager
    async def _entered(self, path: Path) -> AsyncIterator[Workplace]:
        """Take the folder, and give it back clean; with --keep-on-failure what failed stays to be looked at."""
        try:
            place, left_over = await workplace.enter(path)
        except WorkplaceError as error:
            raise self.findings.refuse("target_folder", str(error)) from None
        if left_over:
            self.findings.report.line("   removed what an earlier run that was killed had left there")
        proven = False
        try:
            yield place
            proven = not self.findings.all_failed()
        finally:
            keep = self.order.keep_on_failure and not proven
            self.kept = path if keep else None
            with self.findings.phase("clean_up"):
                self.interrupted = await place.leave(keep=keep)

    async def _sing(self, theirs: Production, choice: Choice, archive: ArchiveFolder) -> Production:
        """Write the canary, where it is asked for: recovery has to come to it."""
        tests = self.settings.restore_tests
        if not tests.canary or choice.target != "latest":
            why = "restore_tests.canary is off" if not tests.canary else "only with the target latest"
            self.findings.skipped("canary", why)
            return theirs

        async def arrived(segment: str) -> bool:
            return await archive.arrived(segment) is not None

        with self.findings.phase("canary"):
            try:
                at = await production.sing(self._conninfo, token_hex(8), arrived, within=tests.canary_within)
            except (CanaryError, PgBackRestError) as error:
                raise self.findings.refuse("canary", str(error)) from None
        self.findings.ok("canary", value=wal.lsn(at))
        return replace(theirs, canary=at)

    async def _restore(self, choice: Choice, place: Workplace) -> Choice:
        """Restore; a backup that expires meanwhile is no failure: the next one is tried."""
        for retries_left in range(_RETRIES, -1, -1):
            try:
                with self.findings.phase("restore"):
                    await pgbackrest.restore(
                        self.client,
                        choice,
                        place,
                        process_max=self.settings.restore_tests.process_max,
                        nice=self.settings.restore_tests.nice,
                        report=self.findings.report,
                        log=self.findings.hear,
                    )
            except PgBackRestError as error:
                if not retries_left or self.order.label or not await self._expired(choice):
                    raise self.findings.give_up("restored", str(error)) from None
                self.findings.report.line(
                    f"   backup {choice.backup.label} has expired meanwhile: the next one"
                )
                choice = self.choice = await self._choose()
                await place.clear()
                workplace.furnish(place.path)
                continue
            break
        self.findings.restored_bytes = choice.backup.size
        self.findings.ok("restored", value=size(choice.backup.size))
        return choice

    async def _expired(self, choice: Choice) -> bool:
        try:
            backups = (await self._info()).backups.of(choice.repo).backups
        except (ChoiceError, PgBackRestError, MalformedError):
            return False
        return all(backup.label != choice.backup.label for backup in backups)


def _archive(client: Client, choice: Choice, within: float) -> ArchiveFolder:
    database = choice.database
    return ArchiveFolder(
        client, choice.backup.stanza, choice.repo, f"{database.version}-{database.id}", within
    )


def _whole_from(conf: PgBackRestConf, stanza: str, repo: int) -> str:
    """Return of which type the newest backup is, from which on WAL is whole: "" where it is kept for all backups."""
    place = next((one for one in places(conf, stanza) if one.repo == repo), Place(repo=repo))
    kept = retention(conf, stanza, place)
    return "" if kept is None or kept.archive is None else kept.type
