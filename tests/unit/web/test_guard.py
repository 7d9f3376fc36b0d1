"""Who may come in over real TLS and basic authentication, and a configuration that changes while it is served."""

import asyncio
import logging
import ssl
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bcrypt
import pytest
import trustme

from exporter.web import guard
from exporter.web.config import WebConfig
from tests.unit.web.served import Served, hashed, served, trusting, write_certificate

TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def folder(ca: trustme.CA, tmp_path: Path) -> Path:
    write_certificate(ca, tmp_path)
    ca.cert_pem.write_to_path(tmp_path / "ca.crt")
    return tmp_path


def config(folder: Path, text: str) -> Path:
    path = folder / "web.yml"
    path.write_text(text)
    return path


def users(**passwords: str) -> str:
    return "basic_auth_users:\n" + "".join(f"  {user}: {hashed(pw)}\n" for user, pw in passwords.items())


def basic(user: str, password: str) -> str:
    return f"Authorization: Basic {b64encode(f'{user}:{password}'.encode()).decode()}\r\n"


async def serial(site: Served, tls: ssl.SSLContext) -> object:
    """Tell which certificate a new handshake shows."""
    client = await site.connect(tls)
    certificate = client.writer.get_extra_info("peercert")
    await client.close()
    return certificate["serialNumber"]


@pytest.mark.parametrize("path", ["/metrics", "/", "/-/healthy", "/-/ready", "/nothing"])
async def test_without_a_password_nothing_is_told(folder: Path, path: str) -> None:
    async with served(config=config(folder, users(alice="right"))) as site:
        reply = await site.get(path)
    assert reply.status == 401
    assert reply.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert b"up" not in reply.body


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (basic("alice", "right"), 200),
        (basic("alice", "wrong"), 401),
        (basic("bob", "right"), 401),
        (basic("", ""), 401),
        ("Authorization: Basic x\r\n", 401),
        ("Authorization: Bearer x\r\n", 401),
    ],
)
async def test_the_right_password_alone_opens(folder: Path, headers: str, status: int) -> None:
    async with served(config=config(folder, users(alice="right"))) as site:
        assert (await site.get("/metrics", headers=headers)).status == status


async def test_scrapes_go_on_while_passwords_are_checked(folder: Path) -> None:
    slow = hashed("right").replace("$04$", "$14$")  # a second's work
    async with served(config=config(folder, users(alice="right") + f"  bob: {slow}\n")) as site:
        assert (await site.get("/metrics", headers=basic("alice", "right"))).status == 200
        wrong = asyncio.create_task(site.get("/metrics", headers=basic("bob", "wrong")))
        for _ in range(3):
            assert (await site.get("/metrics", headers=basic("alice", "right"))).status == 200
        assert not wrong.done()
        assert (await wrong).status == 401


async def test_a_flood_of_wrong_passwords_is_told_to_come_later(folder: Path) -> None:
    slow = bcrypt.hashpw(b"right", bcrypt.gensalt(10)).decode()
    async with served(config=config(folder, f"basic_auth_users: {{alice: {slow}}}")) as site:
        flood = [site.get("/metrics", headers=basic("alice", str(n))) for n in range(30)]
        replies = await asyncio.gather(*flood)
    assert {reply.status for reply in replies} == {401, 503}
    assert {reply.headers.get("Retry-After") for reply in replies if reply.status == 503} == {"1"}


async def test_headers_of_the_configuration_are_in_every_answer(folder: Path) -> None:
    text = "http_server_config: {headers: {X-Frame-Options: deny, Content-Security-Policy: sandbox}}\n"
    async with served(config=config(folder, text + users(alice="right"))) as site:
        for headers, path in ((basic("alice", "right"), "/"), ("", "/"), (basic("alice", "right"), "/x")):
            reply = await site.get(path, headers=headers)
            assert reply.headers["X-Frame-Options"] == "deny"
            assert reply.headers["Content-Security-Policy"] == "sandbox"


async def test_more_requests_than_the_rate_limit_are_refused(folder: Path) -> None:
    async with served(config=config(folder, "rate_limit: {interval: 1h, burst: 2}")) as site:
        client = await site.connect()
        replies = [await client.ask("/metrics") for _ in range(4)]
        await client.close()
    assert [reply.status for reply in replies] == [200, 200, 429, 429]


async def test_the_rate_limit_lets_more_in_with_time(folder: Path) -> None:
    async with served(config=config(folder, "rate_limit: {interval: 50ms, burst: 1}")) as site:
        assert (await site.get("/metrics")).status == 200
        async with asyncio.timeout(10):
            while (await site.get("/metrics")).status == 429:
                await asyncio.sleep(0.01)


async def test_tls_is_spoken_and_plain_http_is_not(folder: Path, ca: trustme.CA) -> None:
    async with served(config=config(folder, TLS)) as site:
        assert (await site.get("/metrics", tls=trusting(ca))).status == 200
        client = await site.connect()
        await client.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" not in await client.ended()
        await client.close()


CLIENTS = (
    "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt,"
    " client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [prometheus.example]}"
)


async def test_a_client_certificate_with_an_allowed_name_opens(folder: Path, ca: trustme.CA) -> None:
    context = trusting(ca)
    ca.issue_cert("prometheus.example").configure_cert(context)
    async with served(config=config(folder, CLIENTS)) as site:
        assert (await site.get("/metrics", tls=context)).status == 200


@pytest.mark.parametrize("kind", ["none", "stranger's", "other name"])
async def test_any_other_client_certificate_does_not(folder: Path, ca: trustme.CA, kind: str) -> None:
    context = trusting(ca)
    if kind == "stranger's":
        trustme.CA().issue_cert("prometheus.example").configure_cert(context)
    elif kind == "other name":
        ca.issue_cert("other.example").configure_cert(context)
    async with served(config=config(folder, CLIENTS)) as site:
        with pytest.raises((ConnectionError, ssl.SSLError, asyncio.IncompleteReadError)):
            await site.get("/metrics", tls=context)


async def test_a_renewed_certificate_is_shown_to_the_next_client(folder: Path, ca: trustme.CA) -> None:
    async with served(config=config(folder, TLS), watch_every=0.02) as site:
        before = await serial(site, trusting(ca))
        kept = await site.connect(trusting(ca))
        assert (await kept.ask("/metrics")).status == 200
        write_certificate(ca, folder)
        # A client that was here before connects anew, at the same listening socket.
        assert await kept.ended() == b""
        await kept.close()
        assert await serial(site, trusting(ca)) != before


async def test_a_certificate_renewed_half_keeps_the_old_one_in_force(
    folder: Path, ca: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(config=config(folder, TLS)) as site:
        before = await serial(site, trusting(ca))
        renewed = ca.issue_cert("localhost")
        renewed.cert_chain_pems[0].write_to_path(folder / "server.crt")
        error = await site.serving.refresh()
        assert error
        assert "the key is not the certificate's" in error
        assert await site.serving.refresh() is None, "told once"
        assert await serial(site, trusting(ca)) == before
        renewed.private_key_pem.write_to_path(folder / "server.key")
        assert await site.serving.refresh() is None
        assert await serial(site, trusting(ca)) != before
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == [
        "web configuration refused"
    ]


async def test_users_change_without_a_restart(folder: Path) -> None:
    path = config(folder, users(alice="right"))
    async with served(config=path) as site:
        assert (await site.get("/metrics", headers=basic("alice", "right"))).status == 200
        path.write_text(users(bob="other"))
        assert await site.serving.refresh() is None
        assert (await site.get("/metrics", headers=basic("alice", "right"))).status == 401
        assert (await site.get("/metrics", headers=basic("bob", "other"))).status == 200


async def test_a_kept_connection_is_asked_for_the_new_password(folder: Path) -> None:
    path = config(folder, users(alice="right"))
    async with served(config=path) as site:
        client = await site.connect()
        for _ in range(3):
            assert (await client.ask("/metrics", headers=basic("alice", "right"))).status == 200
        path.write_text(users(alice="renewed"))
        assert await site.serving.refresh() is None
        for _ in range(3):
            assert (await client.ask("/metrics", headers=basic("alice", "right"))).status == 401
        assert (await client.ask("/metrics", headers=basic("alice", "renewed"))).status == 200
        assert (await client.ask("/metrics")).status == 401
        await client.close()


async def test_a_bad_file_leaves_the_old_users(folder: Path) -> None:
    path = config(folder, users(alice="right"))
    async with served(config=path) as site:
        for bad in ("basic_auth_users: {alice: topsecret}", "basic_auth_user: {}", "{"):
            path.write_text(bad)
            error = await site.serving.refresh()
            assert error
            assert "topsecret" not in error
        path.unlink()
        assert "no such file" in (await site.serving.refresh() or "")
        assert (await site.get("/metrics")).status == 401
        assert (await site.get("/metrics", headers=basic("alice", "right"))).status == 200


async def test_what_nobody_thought_of_leaves_the_old_users(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprise(_: Path) -> WebConfig:
        raise TypeError("topsecret")

    path = config(folder, users(alice="right"))
    async with served(config=path) as site:
        with monkeypatch.context() as patched:
            patched.setattr(guard, "load", surprise)
            path.write_text("basic_auth_users: {}")
            error = await site.serving.refresh()
        assert error
        assert error.startswith(f"{path}: unexpected TypeError in test_guard.py:")
        assert "topsecret" not in error
        assert (await site.get("/metrics")).status == 401
        path.write_text("{}")
        assert await site.serving.refresh() is None
        assert (await site.get("/metrics")).status == 200


async def test_a_file_that_was_missing_is_noticed_when_it_comes(folder: Path, ca: trustme.CA) -> None:
    path = config(folder, TLS)
    async with served(config=path) as site:
        path.write_text(TLS.replace("server.", "new."))
        assert "new.crt" in (await site.serving.refresh() or "")
        before = await serial(site, trusting(ca))
        renewed = ca.issue_cert("localhost")
        renewed.cert_chain_pems[0].write_to_path(folder / "new.crt")
        renewed.private_key_pem.write_to_path(folder / "new.key")
        assert await site.serving.refresh() is None
        assert await serial(site, trusting(ca)) != before


async def test_tls_can_be_put_on_while_serving(folder: Path, ca: trustme.CA) -> None:
    path = config(folder, "")
    async with served(config=path) as site:
        assert (await site.get("/metrics")).status == 200
        path.write_text(TLS)
        assert await site.serving.refresh() is None
        assert (await site.get("/metrics", tls=trusting(ca))).status == 200


async def test_clients_are_asked_for_certificates_from_the_next_connection_on(
    folder: Path, ca: trustme.CA
) -> None:
    path = config(folder, TLS)
    async with served(config=path) as site:
        kept = await site.connect(trusting(ca))
        assert (await kept.ask("/metrics")).status == 200
        path.write_text(CLIENTS)
        assert await site.serving.refresh() is None
        assert await kept.ended() == b""
        await kept.close()
        with pytest.raises((ConnectionError, ssl.SSLError, asyncio.IncompleteReadError)):
            await site.get("/metrics", tls=trusting(ca))


async def test_an_answer_under_way_is_finished_before_a_connection_is_retired(
    folder: Path, ca: trustme.CA
) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def reload() -> None:
        begun.set()
        await go.wait()

    async with served(config=config(folder, TLS), tls=trusting(ca), reload=reload) as site:
        asking = asyncio.create_task(site.get("/-/reload", method="POST"))
        await begun.wait()
        write_certificate(ca, folder)
        assert await site.serving.refresh() is None
        go.set()
        assert (await asking).status == 200


async def test_an_expired_certificate_is_served_and_warned_of(
    folder: Path, ca: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    expired = ca.issue_cert("localhost", not_after=datetime.now(UTC) - timedelta(days=1))
    expired.private_key_pem.write_to_path(folder / "server.key")
    expired.cert_chain_pems[0].write_to_path(folder / "server.crt")
    careless = ssl.create_default_context()
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
    async with served(config=config(folder, TLS)) as site:
        assert (await site.get("/metrics", tls=careless)).status == 200
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "has expired" in str(vars(record)["warning"])
