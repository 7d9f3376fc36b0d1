import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import pytest

from exporter.collectors.repository import AGAIN_LOCAL, RepositoryCollector
from exporter.model.info import Info, Lock
from exporter.model.repository import Held, Holdings, Outlook, Retention
from exporter.pgbackrest.client import Client
from exporter.pgbackrest.info import Decoder
from exporter.pgbackrest.repositories import Place
from exporter.pgbackrest.words import PgBackRestError
from exporter.settings import Repository as RepositorySettings
from exporter.settings import Settings
from exporter.snapshot import Expectation, PartlyReadError, Reading, Reload, Snapshot
from exporter.wal.gaps import Circumstances, judge
from exporter.wal.outlook import outlooks
from tests.standin import Standin
from tests.standin.tree import Tree
from tests.unit.archives import backup

CORPUS = Path(__file__).parents[2] / "corpus"
LONG_AGO = 1_700_000_000


@dataclass
class Watch:
    """A collector and what is known beside it."""

    standin: Standin
    tree: Tree
    info: Info
    settings: Settings = field(default_factory=Settings)
    places: tuple[Place, ...] | None = (Place(repo=1),)
    retentions: dict[tuple[str, int], Retention] = field(default_factory=dict)
    holdings: Holdings | None = None
    info_read: float = field(default_factory=lambda: time.time() + 1e6)
    collector: RepositoryCollector = field(init=False)

    def __post_init__(self) -> None:
        self.collector = RepositoryCollector(
            client=Client(),
            settings=RepositorySettings(every=1, within=20),
            stanza="demo",
            places=self.places,
            latest=self.snapshot,
        )

    def snapshot(self) -> Snapshot:
        readings = (
            {"demo": Reading(value=self.holdings, attempted=1.0, succeeded=1.0)} if self.holdings else {}
        )
        return Snapshot(
            settings=self.settings,
            expected=Expectation(stanzas=("demo",), retentions=MappingProxyType(self.retentions)),
            reload=Reload(0.0),
            info={"": Reading(value=self.info, attempted=self.info_read, succeeded=self.info_read)},
            repository=readings,
        )

    @property
    def labels(self) -> list[str]:
        return [known.label for known in self.info.stanzas[0].backups.of(1).backups]

    async def look(self) -> Held:
        self.tree.show()
        self.holdings = await self.collector.read()
        return self.holdings.repos[0]

    async def judged(self) -> Outlook:
        await self.look()
        (found,) = outlooks(self.snapshot())
        return found

    def listed(self) -> list[str]:
        """The paths that were listed since the last question, * in front where a whole tree was."""
        calls = [call for call in self.standin.calls if "repo-ls" in call]
        (self.standin.folder / "calls").write_text("")
        return ["*" * ("--recurse" in call) + call[-1] for call in calls]


def info(case: str) -> Info:
    stanzas = Decoder().decode((CORPUS / f"{case}.json").read_bytes())
    return Info(stanzas=tuple(filter(None, stanzas)))


@pytest.fixture
def watch(standin: Standin) -> Callable[..., Watch]:
    def make(case: str = "2.59.1/full_diff_incr", listing: str | None = None, **more: object) -> Watch:
        tree = Tree(standin)
        if listing:
            tree.takes("archive/demo", (CORPUS / f"{listing}.json").read_bytes())
        return Watch(standin, tree, info(case), **more)  # type: ignore[arg-type]

    return make


def folder(tree: Tree, label: str, *, finished: bool = True, size: int = 500) -> None:
    tree.files[f"backup/demo/{label}/backup.manifest.copy"] = 100, LONG_AGO
    tree.files[f"backup/demo/{label}/pg_data/base/1/112.gz"] = size, LONG_AGO
    if finished:
        tree.files[f"backup/demo/{label}/backup.manifest"] = 100, LONG_AGO


async def test_a_genuine_archive_with_a_removed_segment(watch: Callable[..., Watch]) -> None:
    """The segments from 9 to 1E went elsewhere, between two backups; 21 was removed after the newest."""
    found = await watch("2.45/archive_gap", "2.45/repo-ls/repo_ls_archive_gap").judged()
    recovery = found.recovery
    assert (recovery.missing_newest, recovery.missing_older, recovery.without_wal) == (1, 22, ())
    assert (recovery.start, recovery.newest_arrival) == (1795331623, 1795331624)


async def test_a_genuine_archive_that_lost_segments_to_archive_push_queue_max(
    watch: Callable[..., Watch],
) -> None:
    held = await watch(listing="2.59.1/repo-ls/repo_ls_wal_dropped").look()
    around = Circumstances(listed=held.listed, segment_size=16 << 20, retention=Retention())
    recovery = judge(held.archives[0], (backup("20261122-073759F", 0x7F, 0x80, stop=1795333080),), around)
    assert (recovery.missing_newest, recovery.missing_older, recovery.without_wal) == (6, 0, ())
    assert recovery.newest_arrival == 1795333164


async def test_a_genuine_archive_of_two_databases_is_judged_by_the_current_one(
    watch: Callable[..., Watch],
) -> None:
    found = await watch("2.45/upgrade_after_expire", "2.45/repo-ls/repo_ls_upgrade_archive").judged()
    assert [archive.id for archive in found.held.archives] == ["15-1", "15-2"]
    assert (found.recovery.missing_newest, found.recovery.missing_older, found.recovery.without_wal) == (
        0,
        0,
        (),
    )
    assert found.recovery.newest_arrival == 1795332515


@pytest.mark.parametrize("version", ["2.45", "2.59.1"])
async def test_a_genuine_archive_with_a_second_timeline_is_whole(
    watch: Callable[..., Watch], version: str
) -> None:
    one = watch(f"{version}/timeline2", f"{version}/repo-ls/repo_ls_timeline2")
    one.standin.holds("archive/demo/15-2/00000002.history", b"1\t0/2000138\tno recovery target specified\n")
    found = await one.judged()
    assert (found.recovery.timeline, found.recovery.newest_history) == (2, 2)
    assert (found.recovery.missing_newest, found.recovery.missing_older, found.recovery.without_wal) == (
        0,
        0,
        (),
    )


async def test_sizes_are_what_lies_there(watch: Callable[..., Watch]) -> None:
    one = watch(listing="2.59.1/repo-ls/repo_ls_archive")
    held = await one.look()
    files = [size for path, (size, _) in one.tree.files.items() if path.startswith("archive/demo/15-1")]
    assert held.archive_size == sum(files)


async def test_a_folder_that_rests_is_not_listed_again(watch: Callable[..., Watch]) -> None:
    one = watch()
    for high in range(4):
        for low in range(3):
            one.tree.segment(f"00000001{high:08X}{low:08X}", LONG_AGO)
    first = await one.look()
    top = ["archive/demo", "archive/demo/15-1"]
    names = [f"archive/demo/15-1/00000001{high:08X}" for high in range(4)]
    assert one.listed() == [*top, *names, "backup/demo"]
    one.tree.segment("000000010000000300000007", int(time.time()))
    second = await one.look()
    assert one.listed() == [*top, names[-1], "backup/demo"]
    old, new = (held.archives[0].timelines[1] for held in (first, second))
    assert [a is b for a, b in zip(old, new, strict=True)] == [True, True, True, False]
    assert new[-1].present == 0b10000111
    third = await one.look()
    assert third.archives[0] is second.archives[0], "the same facts are the very same object"


async def test_many_folders_are_listed_at_one_go(watch: Callable[..., Watch]) -> None:
    one = watch()
    for high in range(30):
        one.tree.segment(f"00000001{high:08X}00000001", LONG_AGO)
    held = await one.look()
    assert one.listed() == ["archive/demo", "archive/demo/15-1", "*archive/demo/15-1", "backup/demo"]
    assert len(held.archives[0].timelines[1]) == 30
    assert held.list_calls == 3 + 31
    assert (await one.look()).list_calls == 34 + 4


async def test_a_folder_whose_last_segment_came_just_now_is_listed_again_though_a_later_one_was_begun(
    watch: Callable[..., Watch],
) -> None:
    one = watch()
    one.tree.segment("0000000100000000000000FE", int(time.time()))
    one.tree.segment("000000010000000100000000", int(time.time()))
    await one.look()
    one.tree.segment("0000000100000000000000FF", int(time.time()))
    assert (await one.look()).archives[0].timelines[1][0].present.bit_count() == 2


async def test_a_deletion_in_the_middle_is_noticed_when_the_folder_is_due_again(
    watch: Callable[..., Watch],
) -> None:
    one = watch()
    for high in range(4):
        for low in range(3):
            one.tree.segment(f"00000001{high:08X}{low:08X}", LONG_AGO)
    await one.look()
    one.tree.lacks("000000010000000100000001")
    assert (await one.look()).archives[0].timelines[1][1].present == 0b111
    known = one.collector._repositories[1].archives["15-1"]._known["0000000100000001"]
    known.seen -= AGAIN_LOCAL * 25
    gone = (await one.look()).archives[0].timelines[1][1]
    assert (gone.present, gone.gone) == (0b101, 0b010)


async def test_expired_folders_are_forgotten(watch: Callable[..., Watch]) -> None:
    one = watch()
    for high in range(3):
        one.tree.segment(f"00000001{high:08X}00000001", LONG_AGO)
    await one.look()
    one.tree.lacks("0000000100000000")
    assert [found.high for found in (await one.look()).archives[0].timelines[1]] == [1, 2]


async def test_names_that_are_no_segments_only_take_room(watch: Callable[..., Watch]) -> None:
    one = watch()
    root = "archive/demo/15-1/0000000100000000"
    one.tree.segment("000000010000000000000001", LONG_AGO)
    one.tree.segment("000000010000000000000001", LONG_AGO, sha="0" * 40)
    for junk in (
        "000000010000000000000002.partial-9efd86a4a94df1efb78f1b4d1cd8648f4fd1be01.gz",
        "000000010000000000000002.00000028.backup",
        "00000001000000000000FFFF-9efd86a4a94df1efb78f1b4d1cd8648f4fd1be01.gz",
        "000000020000000000000003-9efd86a4a94df1efb78f1b4d1cd8648f4fd1be01.gz",
        "000000010000000000000004-9efd86a4a94df1efb78f1b4d1cd8648f4fd1be01.gz.pgbackrest.tmp",
        'lost+found "},',
    ):
        one.tree.files[f"{root}/{junk}"] = 10, LONG_AGO
    one.tree.files["archive/demo/15-1/somewhere else/file"] = 10, LONG_AGO
    archive = (await one.look()).archives[0]
    (found,) = archive.timelines[1]
    assert (found.present, archive.duplicates, found.size) == (0b10, 1, 2060)


@pytest.mark.parametrize("extension", ["", ".gz", ".lz4", ".zst", ".bz2"])
async def test_compressed_names_are_read(watch: Callable[..., Watch], extension: str) -> None:
    one = watch()
    name = "000000010000000000000009"
    one.tree.files[f"archive/demo/15-1/{name[:16]}/{name}-{'a' * 40}{extension}"] = 10, LONG_AGO
    assert (await one.look()).archives[0].timelines[1][0].present == 1 << 9


async def test_an_aborted_backup_is_an_orphan_once_it_is_seen_again(watch: Callable[..., Watch]) -> None:
    one = watch()
    named = one.labels
    for label in named:
        folder(one.tree, label)
    assert (await one.judged()).orphans == 0
    label = time.strftime("%Y%m%d-%H%M%SF")
    folder(one.tree, label, finished=False)
    assert (await one.judged()).orphans == 0, "it may be about to appear in info"
    found = await one.judged()
    assert (found.orphans, found.orphan_size) == (1, 600)
    one.info = replace(
        one.info, stanzas=(replace(one.info.stanzas[0], locks=(Lock(command="backup", held=True),)),)
    )
    assert (await one.judged()).orphans == 0, "a backup runs"


async def test_where_the_backup_list_cannot_be_read_nothing_is_an_orphan_and_nothing_judged(
    watch: Callable[..., Watch],
) -> None:
    one = watch("2.45/corrupt_backup_info")
    folder(one.tree, "20200101-000000F")
    one.tree.segment("000000010000000000000001", LONG_AGO)
    one.tree.segment("000000010000000000000003", LONG_AGO)
    found = await one.judged()
    assert (found.orphans, found.recovery.missing_newest, found.recovery.without_wal) == (None, None, None)
    assert not [path for path in one.listed() if path.startswith("*backup")]


async def test_old_leftovers_are_told_at_the_first_look(watch: Callable[..., Watch]) -> None:
    one = watch()
    folder(one.tree, "20200101-000000F", finished=False, size=7)
    folder(one.tree, "20200102-000000F", size=8)
    found = await one.judged()
    assert (found.orphans, found.orphan_size) == (2, 100 + 7 + 200 + 8)


async def test_while_pgbackrest_cannot_read_its_list_no_folder_is_called_a_leftover(
    watch: Callable[..., Watch],
) -> None:
    one = watch("2.45/corrupt_backup_info")
    folder(one.tree, "20200101-000000F", size=8)
    assert (await one.judged()).orphans is None


async def test_a_finished_backup_is_looked_at_once(watch: Callable[..., Watch]) -> None:
    one = watch()
    named = one.labels
    for label in named:
        folder(one.tree, label)
    one.tree.files["backup/demo/backup.info"] = 40, LONG_AGO
    one.tree.files["backup/demo/backup.history/2026/x.manifest.gz"] = 2, LONG_AGO
    found = await one.judged()
    told = sum(known.repo_delta or 0 for known in one.info.stanzas[0].backups.of(1).backups)
    assert found.backup_size == told + len(named) * 200 + 42
    one.listed()
    await one.look()
    assert one.listed() == ["archive/demo", "backup/demo"]


async def test_backups_on_this_disk_are_measured(watch: Callable[..., Watch], tmp_path: Path) -> None:
    one = watch(places=(Place(repo=1, path=str(tmp_path)),))
    named = one.labels
    for label in named:
        folder(one.tree, label)
    found = await one.judged()
    assert found.backup_size == len(named) * 700
    assert found.capacity
    assert found.capacity.size >= found.capacity.used + found.capacity.available > 0
    assert found.capacity.filesystem is not None


async def test_a_stated_capacity_is_used_by_what_lies_there(watch: Callable[..., Watch]) -> None:
    capacity = MappingProxyType({1: 1e6})
    one = watch(settings=replace(Settings(), repository=RepositorySettings(capacity=capacity)))
    one.tree.segment("000000010000000000000001", LONG_AGO)
    found = (await one.judged()).capacity
    assert found
    assert (found.size, found.used, found.available) == (1_000_000, 1000, 999_000)


async def test_one_dead_repository_does_not_lose_the_other(watch: Callable[..., Watch]) -> None:
    one = watch("2.59.1/two_repos_ok", places=(Place(repo=1), Place(repo=2)))
    one.tree.segment("000000010000000000000001", LONG_AGO)
    await one.look()
    (one.standin.folder / "dead.2").touch()
    one.tree.segment("000000010000000000000002", LONG_AGO)
    one.tree.show()
    with pytest.raises(PartlyReadError) as caught:
        await one.collector.read()
    assert str(caught.value).startswith("repository 2: pgbackrest repo-ls: error 49 (host-connect): ")
    assert len(str(caught.value).splitlines()) == 1
    alive, dead = caught.value.value.repos
    assert alive.error is None
    assert alive.archives[0].timelines[1][0].present == 0b110
    assert "error 49" in (dead.error or "")
    (one.standin.folder / "dead.1").touch()
    with pytest.raises(PgBackRestError, match=r"repository 1: .*; repository 2: "):
        await one.collector.read()


async def test_a_repository_without_the_stanza_is_left_out(watch: Callable[..., Watch]) -> None:
    one = watch("2.59.1/two_repos_second_no_stanza", places=(Place(repo=1), Place(repo=2)))
    await one.look()
    assert one.holdings
    assert [held.repo for held in one.holdings.repos] == [1]


async def test_a_repository_that_is_not_there_is_empty(watch: Callable[..., Watch]) -> None:
    held = await watch().look()
    assert (held.archives, held.backups, held.archive_size) == ((), (), 0)


async def test_a_listing_that_is_cut_off_is_an_error(watch: Callable[..., Watch]) -> None:
    one = watch()
    one.tree.show()
    one.standin.lists("archive/demo", b'{".":{"type":"path"},"15-1":{"ty')
    with pytest.raises(PgBackRestError, match="repository 1: pgbackrest repo-ls printed what is no listing"):
        await one.collector.read()


async def test_the_words_on_the_command_line(watch: Callable[..., Watch]) -> None:
    one = watch()
    await one.look()
    quiet = ["--log-level-console=off", "--log-level-stderr=error", "--log-level-file=off"]
    wanted = ["repo-ls", "--stanza=demo", "--output=json", "--repo=1", "archive/demo"]
    call = one.standin.calls[0]
    assert (call[:3], call[-5:]) == (quiet, wanted)


async def test_an_info_that_never_comes_is_an_error(
    watch: Callable[..., Watch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.collectors.repository._INFO_PATIENCE", 0.2)
    one = watch()
    nothing = Snapshot(settings=Settings(), expected=Expectation(), reload=Reload(0.0))
    one.collector.latest = lambda: nothing
    with pytest.raises(PgBackRestError, match="demo: pgbackrest info has told nothing of it yet"):
        await one.collector.read()


async def test_what_seems_missing_waits_for_an_info_that_is_newer_than_the_listing(
    watch: Callable[..., Watch],
) -> None:
    """While a backup expires its WAL goes first, and an older `info` still counts on it."""
    one = watch("2.45/archive_gap", "2.45/repo-ls/repo_ls_archive_gap", info_read=time.time() - 1)
    await one.look()
    one.listed()
    one.tree.lacks("000000010000000000000003")
    one.tree.show()
    known = one.collector._repositories[1].archives["15-1"]._known["0000000100000000"]
    known.seen -= AGAIN_LOCAL * 25
    looking = asyncio.create_task(one.collector.read())
    await until(lambda: [call[-1] for call in one.standin.calls[-1:]] == ["backup/demo"])
    await asyncio.wait((looking,), timeout=0.5)
    assert not looking.done()
    one.info_read = time.time() + 1
    await asyncio.wait_for(looking, 5)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.02)
