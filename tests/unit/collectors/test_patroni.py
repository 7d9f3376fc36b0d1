"""The collector against real servers on loopback: which member is asked, what is told, and what goes wrong."""

import base64
import contextlib
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from exporter.collectors import patroni
from exporter.collectors.patroni import PatroniCollector
from exporter.model.patroni import Topology
from exporter.patroni.access import AccessError
from exporter.patroni.client import PatroniError
from exporter.settings import Patroni
from tests.unit.patroni.answering import HALF, Member, member, raw

VERSION = "3.0.2"
PG1 = "http://127.0.0.1:31211"
DEAD = "http://127.0.0.1:1"


def collector(*urls: str, **settings: object) -> PatroniCollector:
    return PatroniCollector(
        stanza="main",
        urls=urls,
        settings=Patroni(**({"within": 3.0} | settings)),  # type: ignore[arg-type]
    )


@contextlib.asynccontextmanager
async def two() -> AsyncIterator[tuple[Member, Member]]:
    async with member() as first, member() as second:
        yield first, second


async def trouble(*urls: str, **settings: object) -> str:
    """The line that a reading of these addresses ends with."""
    with pytest.raises((PatroniError, AccessError)) as told:
        await collector(*urls, **settings).read()
    words = str(told.value)
    assert "\n" not in words
    assert len(words) < 400
    return words


async def test_it_tells_of_the_cluster_and_how_far_the_leader_wrote() -> None:
    async with member() as pg1:
        pg1.tells(VERSION, "switched")
        cluster = await collector(pg1.url).read()
    topology = cluster.topology
    assert (topology.leader, topology.has_leader, topology.timeline) == ("pg2", True, 2)
    assert (topology.paused, topology.dcs_reachable, len(topology.members)) == (False, True, 3)
    assert topology.timeline_changed is not None
    assert cluster.leader_position is not None


async def test_the_same_facts_are_the_very_same_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patroni, "_POSITION_EVERY", 0.0)
    async with member() as pg1:
        pg1.tells(VERSION, "healthy")
        reader = collector(pg1.url)
        first = await reader.read()
        assert await reader.read() is first
        body = pg1.answers["/patroni"]
        assert isinstance(body, bytes)
        pg1.answers["/patroni"] = body.replace(b'"location": ', b'"location": 1')
        written = await reader.read()
        assert written.leader_position != first.leader_position
        assert written.topology is first.topology
        pg1.tells(VERSION, "paused")
        assert (await reader.read()).topology != first.topology


async def test_history_is_asked_for_when_the_timeline_changes_and_not_at_every_reading() -> None:
    async with member() as pg1:
        reader = collector(pg1.url)
        pg1.tells(VERSION, "healthy")
        assert (await reader.read()).topology.timeline_changed is None
        assert "/history" not in pg1.asked
        pg1.tells(VERSION, "switched")
        began = (await reader.read()).topology.timeline_changed
        assert began is not None
        assert (await reader.read()).topology.timeline_changed == began
        pg1.tells(VERSION, "resumed")
        assert (await reader.read()).topology.timeline_changed != began
        assert pg1.asked.count("/history") == 2


async def test_a_history_that_cannot_be_read_hides_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patroni, "_HISTORY_AGAIN", 0.0)
    async with member() as pg1:
        pg1.tells(VERSION, "switched")
        pg1.answers["/history"] = b"["
        reader = collector(pg1.url)
        topology = (await reader.read()).topology
        assert (topology.timeline, topology.timeline_changed) == (2, None)
        pg1.tells(VERSION, "switched")
        assert (await reader.read()).topology.timeline_changed is not None


async def test_without_its_own_answer_a_member_still_tells_of_the_cluster() -> None:
    async with member() as pg1:
        pg1.tells(VERSION, "healthy")
        pg1.answers["/patroni"] = 500
        cluster = await collector(pg1.url).read()
    assert (cluster.topology.leader, cluster.leader_position) == ("pg1", None)


async def test_a_member_is_asked_for_itself_only_where_its_position_is_wanted_and_lacking() -> None:
    async with two() as (old, new):
        old.tells("3.0.2", "healthy")
        new.tells("4.1.5", "healthy")
        reader = PatroniCollector(stanza="main", urls=(old.url,), settings=Patroni(), positions=False)
        assert (await reader.read()).leader_position is None
        assert (await collector(new.url).read()).leader_position is not None
    assert old.asked == new.asked == ["/cluster"]


async def test_a_position_that_has_to_be_asked_for_is_good_for_a_while_on_its_timeline() -> None:
    async with member() as pg1:
        reader = collector(pg1.url)
        pg1.tells("3.0.2", "healthy")
        first = await reader.read()
        assert await reader.read() is first
        assert pg1.asked.count("/patroni") == 1
        pg1.tells("3.0.2", "switched")
        assert (await reader.read()).leader_position != first.leader_position
        assert pg1.asked.count("/patroni") == 2


async def test_a_position_on_another_timeline_says_nothing_of_the_leader() -> None:
    async with member() as pg1:
        pg1.tells(VERSION, "switched")
        body = pg1.answers["/patroni"]
        assert isinstance(body, bytes)
        pg1.answers["/patroni"] = body.replace(b'"timeline": 2', b'"timeline": 1')
        assert (await collector(pg1.url).read()).leader_position is None


async def test_the_leader_is_asked_first_once_it_is_known() -> None:
    async with two() as (pg1, pg2):
        for each in (pg1, pg2):
            each.tells(VERSION, "switched", **{PG1: pg1.url, "http://127.0.0.1:31212": pg2.url})
        reader = collector(pg1.url, pg2.url)
        await reader.read()
        assert not pg2.asked
        pg1.asked.clear()
        await reader.read()
        assert "/cluster" in pg2.asked
        assert not pg1.asked


async def test_the_next_is_asked_when_one_is_dead_and_the_dead_one_last_from_then_on() -> None:
    async with two() as (pg1, pg2):
        pg1.answers = {"/cluster": 503, "/patroni": 503}
        pg2.tells(VERSION, "healthy")
        reader = collector(DEAD, pg1.url, pg2.url)
        assert (await reader.read()).topology.has_leader
        asked = len(pg1.asked)
        assert asked
        await reader.read()
        assert len(pg1.asked) == asked


async def test_a_silent_first_does_not_eat_the_time_and_is_asked_last_from_then_on() -> None:
    async with raw(None) as silent, member() as pg2:
        pg2.tells(VERSION, "healthy")
        reader = collector(silent, pg2.url, within=1.0)
        assert (await reader.read()).topology.has_leader
        began = time.monotonic()
        await reader.read()
        assert time.monotonic() - began < 0.4


async def test_an_address_that_failed_long_ago_is_as_good_as_any(monkeypatch: pytest.MonkeyPatch) -> None:
    async with two() as (pg1, pg2):
        for each in (pg1, pg2):
            each.tells(VERSION, "healthy", **{PG1: pg1.url})
        reader = collector(pg1.url, pg2.url)
        pg1.answers = {}
        await reader.read()
        pg1.tells(VERSION, "healthy", **{PG1: pg1.url})
        pg1.asked.clear()
        await reader.read()
        assert not pg1.asked, "it has just failed"
        monkeypatch.setattr(patroni, "_LAST_FOR", 0.0)
        await reader.read()
        assert pg1.asked, "it is the leader's"


@pytest.mark.parametrize("version", ["2.1.7", "3.0.2", "4.1.5"])
async def test_without_its_store_a_cluster_is_known_by_its_members(version: str) -> None:
    """Patroni hangs up on /cluster then, and its primaries have stepped down."""
    async with two() as (pg1, pg2):
        for each in (pg1, pg2):
            each.tells(version, "dcs_down")
        topology = (await collector(pg1.url, pg2.url).read()).topology
        assert topology == Topology(dcs_reachable=False, has_leader=False)


async def test_without_its_store_a_primary_in_failsafe_mode_leads_on() -> None:
    async with two() as (pg1, pg2):
        pg1.tells(VERSION, "dcs_down")
        pg2.answers = {
            "/patroni": b'{"state": "running", "role": "primary", "timeline": 4, "xlog": {"location": 99}, '
            b'"cluster_unlocked": true, "failsafe_mode_is_active": true, "patroni": {"name": "pg2"}}'
        }
        cluster = await collector(pg1.url, pg2.url).read()
    assert cluster.leader_position == 99
    assert cluster.topology == Topology(dcs_reachable=False, has_leader=True, leader="pg2", timeline=4)


async def test_without_its_store_nobody_knows_of_a_leader_elsewhere() -> None:
    async with member() as pg1:
        pg1.tells(VERSION, "dcs_down")
        topology = (await collector(pg1.url, DEAD).read()).topology
    assert (topology.dcs_reachable, topology.has_leader) == (False, None)


async def test_one_member_that_is_cut_off_does_not_speak_for_the_cluster() -> None:
    async with two() as (pg1, pg2):
        pg1.tells(VERSION, "dcs_down")
        pg2.tells(VERSION, "healthy")
        topology = (await collector(pg1.url, pg2.url).read()).topology
    assert (topology.dcs_reachable, topology.leader) == (True, "pg1")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (503, "answers HTTP 503"),
        (401, "HTTP 401: set patroni.username and patroni.password_file"),
        (403, "HTTP 403: what stands before Patroni"),
        (404, "is that the port of Patroni's REST API?"),
        (302, "redirects elsewhere (HTTP 302)"),
        (b"<html>502 Bad Gateway</html>", "is no JSON"),
        (b'{"members": [{"name": "pg', "is no JSON"),
        (b'{"members": 5}', "is not as Patroni answers"),
        (b"", "is empty"),
        (b" " * (1 << 21), "answers more than 1 MiB"),
    ],
)
async def test_an_answer_that_is_none_is_told_with_its_address(answer: bytes | int, words: str) -> None:
    async with member() as pg1:
        pg1.answers = {"/cluster": answer, "/patroni": answer}
        told = await trouble(pg1.url)
    assert words in told
    assert told.startswith(f"Patroni cannot be asked: {pg1.url} ")


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (b"", "closed the connection without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak HTTP"),
        (HALF, "broke off amid its answer"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, "does not speak HTTP"),
        (None, "gives no answer in time"),
    ],
)
async def test_what_is_no_server_of_patroni_is_told(says: bytes | None, words: str) -> None:
    async with raw(says) as url:
        assert words in await trouble(url, within=0.3)


async def test_nobody_there_is_told_of_every_address_in_the_order_of_the_settings() -> None:
    async with member() as pg1:
        pg1.answers = {"/cluster": 503}
        reader = collector(DEAD, pg1.url)
        for _ in range(2):
            with pytest.raises(PatroniError) as told:
                await reader.read()
            assert str(told.value) == (
                f"Patroni cannot be asked: {DEAD} cannot be reached: Connection refused; {pg1.url} answers HTTP 503"
            )


async def test_a_redirect_is_not_followed() -> None:
    async with two() as (pg1, pg2):
        pg1.answers = {"/cluster": 307, "/patroni": 307}
        pg1.headers = {"Location": f"{pg2.url}/cluster"}
        await trouble(pg1.url)
        assert not pg2.asked


# --- passwords and certificates --------------------------------------------------------------------------------


async def test_a_password_comes_from_its_file_and_again_when_that_changes(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first\n")
    async with member() as pg1:
        pg1.tells(VERSION, "healthy")
        reader = collector(pg1.url, username="exporter", password_file=str(file))
        await reader.read()
        file.write_text("the second\n")
        await reader.read()
    sent = [base64.b64decode((words or "").removeprefix("Basic ")) for words in pg1.authorizations]
    assert list(dict.fromkeys(sent)) == [b"exporter:first", b"exporter:the second"]
    assert "second" not in repr(reader)


async def test_a_password_that_is_refused_is_not_told(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("geheim")
    async with member() as pg1:
        pg1.answers = {"/cluster": 401}
        assert "geheim" not in await trouble(pg1.url, username="exporter", password_file=str(file))


@pytest.mark.parametrize("content", ["", "\n", "two\nlines", "x" * 5000, None])
async def test_a_file_without_a_password_is_told(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_text(content)
    words = await trouble(DEAD, username="exporter", password_file=str(file))
    assert words.startswith(f"patroni.password_file: {file} ")


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


def serving(ca: trustme.CA, *, name: str = "127.0.0.1", asks: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert(name).configure_cert(context)
    if asks:
        ca.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def written(ca: trustme.CA, folder: Path) -> dict[str, str]:
    """Settings with a client's certificate of this authority."""
    certificate = ca.issue_cert("exporter")
    files = {name: str(folder / name) for name in ("ca_file", "cert_file", "key_file")}
    ca.cert_pem.write_to_path(files["ca_file"])
    certificate.cert_chain_pems[0].write_to_path(files["cert_file"])
    certificate.private_key_pem.write_to_path(files["key_file"])
    return files


async def test_a_certificate_of_the_named_authority_is_trusted(ca: trustme.CA, tmp_path: Path) -> None:
    async with member(serving(ca)) as pg1:
        pg1.tells(VERSION, "healthy")
        reader = collector(pg1.url, ca_file=written(ca, tmp_path)["ca_file"])
        assert (await reader.read()).topology.leader == "pg1"


async def test_other_certificates_are_refused(ca: trustme.CA, tmp_path: Path) -> None:
    files = written(ca, tmp_path)
    async with member(serving(trustme.CA())) as stranger, member(serving(ca, name="pg9")) as misnamed:
        assert "name its authority in patroni.ca_file" in await trouble(
            stranger.url, ca_file=files["ca_file"]
        )
        assert "not trusted (IP address mismatch" in await trouble(misnamed.url, ca_file=files["ca_file"])


async def test_a_certificate_of_ours_is_shown_where_it_is_asked_for(ca: trustme.CA, tmp_path: Path) -> None:
    files = written(ca, tmp_path)
    async with member(serving(ca, asks=True)) as pg1:
        pg1.tells(VERSION, "healthy")
        assert (await collector(pg1.url, **files).read()).topology.has_leader
        assert "patroni.cert_file" in await trouble(pg1.url, ca_file=files["ca_file"])


async def test_an_authority_that_is_renewed_is_noticed(ca: trustme.CA, tmp_path: Path) -> None:
    files = written(trustme.CA(), tmp_path)
    async with member(serving(ca)) as pg1:
        pg1.tells(VERSION, "healthy")
        reader = collector(pg1.url, ca_file=files["ca_file"])
        with pytest.raises(PatroniError):
            await reader.read()
        written(ca, tmp_path)
        assert (await reader.read()).topology.has_leader


async def test_http_and_https_mixed_up_are_told(ca: trustme.CA, tmp_path: Path) -> None:
    files = written(ca, tmp_path)
    async with member(serving(ca)) as secure, member() as plain:
        assert "TLS" in await trouble(plain.url.replace("http:", "https:"), ca_file=files["ca_file"])
        assert "cannot be asked" in await trouble(secure.url.replace("https:", "http:"))


@pytest.mark.parametrize(
    ("key", "words"), [("ca_file", "patroni.ca_file"), ("key_file", "patroni.cert_file")]
)
@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_a_file_that_is_no_certificate_is_told(
    ca: trustme.CA, tmp_path: Path, key: str, words: str, content: str | None
) -> None:
    files = written(ca, tmp_path)
    if content is None:
        Path(files[key]).unlink()
    else:
        Path(files[key]).write_text(content)
    dead = DEAD.replace("http:", "https:")
    assert (await trouble(dead, **files)).startswith(f"{words}: {tmp_path}")
