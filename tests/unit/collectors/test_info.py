import gc
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from exporter.collectors.info import InfoCollector
from exporter.model.info import Info, Status
from exporter.pgbackrest.client import Client
from exporter.pgbackrest.words import PgBackRestError
from exporter.settings import Info as InfoSettings
from tests.bench.documents import Document, Size
from tests.standin import Standin

CORPUS = Path(__file__).parents[2] / "corpus"
DOCUMENT = (CORPUS / "2.59.1" / "two_repos_ok.json").read_bytes()


@pytest.fixture
def collector(standin: Standin) -> InfoCollector:
    standin.prints(DOCUMENT)
    return InfoCollector(client=Client(), settings=InfoSettings(every=1, within=10))


def archived(standin: Standin, newest: str, repo: int = 1, **database: Any) -> None:
    """Let the archive of *repo* end at the segment *newest*."""
    document = json.loads(DOCUMENT)
    document[0]["archive"][repo - 1]["max"] = newest
    document[0]["db"][repo - 1].update(database)
    standin.prints(json.dumps(document, separators=(",", ":")).encode())


async def advances(collector: InfoCollector) -> list[int | None]:
    return [archive.advanced for archive in (await collector.read()).stanzas[0].archives]


async def test_it_tells_stanzas_and_version(collector: InfoCollector) -> None:
    info = await collector.read()
    assert [stanza.name for stanza in info.stanzas] == ["demo"]
    assert (info.version, info.skipped) == ("2.59.1", ())


async def test_the_same_facts_are_the_very_same_object(collector: InfoCollector, standin: Standin) -> None:
    first = await collector.read()
    assert await collector.read() is first
    archived(standin, "000000010000000000000011")
    assert await collector.read() is not first


async def test_many_backups_are_spared_from_searches_for_cycles_once(
    collector: InfoCollector, standin: Standin
) -> None:
    await collector.read()
    assert gc.get_freeze_count() == 0
    document = Document(Size(10, 1000))
    standin.prints(b"".join(document.pieces()))
    await collector.read()
    spared = gc.get_freeze_count()
    gc.unfreeze()
    assert spared > 10_000
    document.add_backup()
    standin.prints(b"".join(document.pieces()))
    await collector.read()
    assert gc.get_freeze_count() == 0


async def test_the_version_is_not_asked_for_at_every_reading(
    collector: InfoCollector, standin: Standin
) -> None:
    for _ in range(3):
        await collector.read()
    assert sum("version" in words for words in standin.calls) == 1


async def test_a_version_that_is_not_told_is_asked_for_again_later(
    collector: InfoCollector, standin: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.collectors.info._VERSION_AGAIN", 0.0)
    (standin.folder / "version").write_text("of no number")
    assert (await collector.read()).version is None
    (standin.folder / "version").write_text("2.60.1")
    assert (await collector.read()).version == "2.60.1"


async def test_steps_forward_are_counted_for_each_repository(
    collector: InfoCollector, standin: Standin
) -> None:
    assert await advances(collector) == [0, 0]
    archived(standin, "000000010000000000000015")
    assert await advances(collector) == [5, 0]
    assert await advances(collector) == [5, 0]
    archived(standin, "000000010000000100000000")
    assert await advances(collector) == [240, 0]


async def test_a_new_timeline_that_begins_further_back_takes_nothing_away(
    collector: InfoCollector, standin: Standin
) -> None:
    await advances(collector)
    archived(standin, "000000020000000000000005")
    assert await advances(collector) == [0, 0]
    archived(standin, "000000020000000000000007")
    assert await advances(collector) == [2, 0]


async def test_another_cluster_begins_anew_without_a_jump(collector: InfoCollector, standin: Standin) -> None:
    await advances(collector)
    archived(standin, "000000010000000000000012")
    assert await advances(collector) == [2, 0]
    document = json.loads(DOCUMENT)
    for database in document[0]["db"]:
        database["system-id"] += 1
    document[0]["archive"][0]["max"] = "000000010000000900000000"
    standin.prints(json.dumps(document).encode())
    assert await advances(collector) == [2, 0]


async def test_a_repository_that_comes_back_has_moved_by_what_was_missed(
    collector: InfoCollector, standin: Standin
) -> None:
    await advances(collector)
    standin.prints((CORPUS / "2.59.1" / "no_stanza.json").read_bytes())
    await collector.read()
    archived(standin, "000000010000000000000018")
    assert await advances(collector) == [8, 0]


async def test_what_is_left_out_is_logged_once(
    collector: InfoCollector, standin: Standin, caplog: pytest.LogCaptureFixture
) -> None:
    document = json.loads(DOCUMENT)
    document[0]["backup"][0]["type"] = "huge"
    standin.prints(json.dumps(document).encode())
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        info = await collector.read()
    assert len(info.skipped) == 1
    assert len(info.stanzas[0].backups.all) == 2
    assert len(caplog.records) == 1


async def test_one_stanza_is_asked_for_by_name(standin: Standin) -> None:
    standin.prints(DOCUMENT, "demo")
    own = InfoCollector(client=Client(), settings=InfoSettings(), stanza="demo")
    assert [stanza.name for stanza in (await own.read()).stanzas] == ["demo"]
    assert all("--stanza=demo" in words for words in standin.calls)


async def test_a_failure_is_raised_and_the_next_reading_works(
    collector: InfoCollector, standin: Standin
) -> None:
    standin.behaves("exit 55", stderr=b"ERROR: [055]: unable to open missing file '/etc/x' for read\n")
    with pytest.raises(PgBackRestError, match="unable to open missing file"):
        await collector.read()
    standin.behaves("")
    assert (await collector.read()).version == "2.59.1"


async def test_an_unsure_stanza_is_asked_for_by_name_only_while_the_plain_answer_does_not_show_it(
    standin: Standin,
) -> None:
    standin.prints(b"[]")
    standin.prints(DOCUMENT, "demo")
    collector = InfoCollector(client=Client(), settings=InfoSettings(), unsure=("demo",))
    assert [stanza.name for stanza in (await collector.read()).stanzas] == ["demo"]
    standin.prints(DOCUMENT)
    calls = len(standin.calls)
    await collector.read()
    assert len(standin.calls) == calls + 1


async def test_what_was_left_out_of_an_answer_is_forgotten_with_the_question(standin: Standin) -> None:
    document = json.loads(DOCUMENT)
    document[0]["backup"][0]["type"] = "huge"
    standin.prints(b"[]")
    standin.prints(json.dumps(document).encode(), "demo")
    collector = InfoCollector(client=Client(), settings=InfoSettings(), unsure=("demo",))
    assert len((await collector.read()).skipped) == 1
    standin.prints(DOCUMENT)
    assert (await collector.read()).skipped == ()


async def test_an_unsure_stanza_that_cannot_be_asked_for_loses_no_other(standin: Standin) -> None:
    standin.prints(DOCUMENT)
    standin.prints(b"garbage", "other")
    collector = InfoCollector(client=Client(), settings=InfoSettings(), unsure=("demo", "other"))
    assert [stanza.name for stanza in (await collector.read()).stanzas] == ["demo"]


def refused(document: bytes, *repos: int) -> bytes:
    """The document as it is where some repositories, or all, cannot be read."""
    (stanza,) = json.loads(document)
    status = {"code": 99, "message": "[FormatError] Salted__\x07"}
    stanza["status"] |= status if len(repos) == 2 else {"code": 4, "message": "different across repos"}
    for repo in stanza["repo"]:
        if repo["key"] in repos:
            repo["status"] = status
    stanza["db"] = [one for one in stanza["db"] if one["repo-key"] not in repos]
    stanza["archive"] = [one for one in stanza["archive"] if one["database"]["repo-key"] not in repos]
    stanza["backup"] = [one for one in stanza["backup"] if one["database"]["repo-key"] not in repos]
    return json.dumps([stanza], separators=(",", ":"), ensure_ascii=False).encode()


async def test_a_repository_that_cannot_be_read_beside_another_is_asked_for_alone(standin: Standin) -> None:
    """On a database host with tls-server-auth, and a second repository whose passphrase is on the repository host."""
    standin.prints(refused(DOCUMENT, 1, 2))
    standin.prints(refused(DOCUMENT, 2), "demo")
    standin.prints(refused(DOCUMENT, 1), "demo", 2)
    collector = InfoCollector(client=Client(), settings=InfoSettings(within=10), unsure=("demo",))
    first = await collector.read()
    (stanza,) = first.stanzas
    assert stanza.status == Status(code=0, message="ok")
    assert [(repo.key, repo.status.code) for repo in stanza.repos] == [(1, 0), (2, 0)]
    (whole,) = (await whole_answer(standin)).stanzas
    assert sorted(one.label for one in stanza.backups.all) == sorted(one.label for one in whole.backups.all)
    assert {one.repo for one in stanza.archives} == {one.repo for one in stanza.databases} == {1, 2}
    assert await collector.read() is first, "the same facts are the same object"


async def test_a_repository_that_is_really_out_of_reach_stays_so(standin: Standin) -> None:
    standin.prints(refused(DOCUMENT, 1, 2))
    standin.prints(refused(DOCUMENT, 2), "demo")
    collector = InfoCollector(client=Client(), settings=InfoSettings(within=10), unsure=("demo",))
    (stanza,) = (await collector.read()).stanzas
    assert [(repo.key, repo.status.code) for repo in stanza.repos] == [(1, 0), (2, 99)]
    assert stanza.status is not None
    assert stanza.status.code == 4
    assert {one.repo for one in stanza.backups.all} == {1}


async def whole_answer(standin: Standin) -> Info:
    standin.prints(DOCUMENT)
    info = await InfoCollector(client=Client(), settings=InfoSettings(within=10)).read()
    standin.prints(refused(DOCUMENT, 1, 2))
    return info
