"""Nothing that is secret is ever shown: not in the metrics, on the page, in the log, or in a list of processes."""

import base64
import signal
from collections.abc import Callable

import bcrypt
import pytest

from tests.process import proc
from tests.process.host import Host
from tests.process.running import Running

PASSWORD = "word-of-the-web-user"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
CREDENTIALS = base64.b64encode(f"prometheus:{PASSWORD}".encode()).decode()

VARIABLES = {
    "PGBACKREST_REPO2_CIPHER_PASS": "pass-of-the-environment",
    "PGBACKREST_REPO2_S3_KEY": "key-of-the-environment",
    "PGBACKREST_REPO2_S3_KEY_SECRET": "secret-of-the-environment",
    "PGBACKREST_REPO2_S3_TOKEN": "token-of-the-environment",
}
CONF = """\
[global]
repo1-type=s3
repo1-s3-key=key-of-the-file
repo1-s3-key-secret=secret-of-the-file
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=pass-of-the-file
[sealed]
pg1-path=/pg
repo1-path=/sealed
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=pass-of-the-stanza
[demo]
pg1-path=/pg
"""
# src/common/ini.c and src/config/parse.c quote the line or the value; no two have the same code.
QUOTATIONS = (
    "ERROR: [029]: key/value found outside of section at line 1: repo1-cipher-pass=pass-of-the-file",
    "ERROR: [032]: environment contains invalid value 'secret-of-the-environment' for option 'repo2-s3-key-secret'",
    "ERROR: [103]: header: token-of-the-environment; key-of-the-environment pass-of-the-environment",
)
SECRETS = (
    *VARIABLES.values(),
    *("key-of-the-file", "secret-of-the-file", "pass-of-the-file", "pass-of-the-stanza"),
    *(PASSWORD, HASH, CREDENTIALS),
)


@pytest.fixture
def guarded(host: Host) -> Running:
    """An exporter amid secrets, that logs all it can; pgbackrest hangs."""
    host.variables.update(VARIABLES)
    host.writes("pgbackrest.conf", CONF)
    host.standin.behaves("hang")
    web = host.writes("web.yml", f"basic_auth_users:\n  prometheus: {HASH}\n")
    exporter = host.start("--log.level=debug", f"--web.config.file={web}")
    exporter.until(lambda: len(host.others()) == 2, "pgbackrest runs, and once for a stanza")
    return exporter


def shown(exporter: Running) -> str:
    """All that it shows to those who may see it."""
    allowed = {"Authorization": f"Basic {CREDENTIALS}"}
    answers = [
        exporter.get(path, headers=headers)
        for path in ("/metrics", "/", "/-/ready", "/no/such/path")
        for headers in (allowed, {})
    ]
    assert {answer.status for answer in answers} <= {200, 401, 404, 503}
    return "\n".join([*(f"{answer.headers}\n{answer.text}" for answer in answers), exporter.log])


def told(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def test_no_secret_stands_in_a_list_of_processes(host: Host, guarded: Running) -> None:
    commands = [" ".join(proc.command(pid)) for pid in (guarded.pid, *host.others())]
    assert told("\n".join([*commands, *(" ".join(call) for call in host.standin.calls)])) == []


def test_pgbackrest_is_handed_its_secrets_by_the_environment(host: Host) -> None:
    host.variables.update(VARIABLES)
    host.standin.behaves("hang")
    host.start().until(host.others, "pgbackrest runs")
    assert proc.environment(host.others()[0]).items() >= VARIABLES.items()


def test_no_secret_is_shown_while_all_is_well(host: Host, guarded: Running) -> None:
    host.standin.behaves("")
    guarded.gets(signal.SIGHUP)
    for pid in host.others():
        proc.end(pid)
    guarded.until(lambda: guarded.logged("reading works"), "a good reading")
    assert told(shown(guarded)) == []


def breaks_web_configuration(host: Host) -> None:
    host.writes(
        "web.yml",
        f"basic_auth_users: {{prometheus: {PASSWORD}, other: [{HASH}]}}\ntls_server_config: {PASSWORD}\n",
    )


def breaks_web_syntax(host: Host) -> None:
    host.writes("web.yml", f"basic_auth_users:\n  prometheus: {HASH}\n  {PASSWORD}\n\t: [")


def breaks_conf(host: Host) -> None:
    host.writes("pgbackrest.conf", f"repo1-cipher-pass=pass-of-the-file\n{CONF}pass-of-the-stanza\n")


@pytest.mark.parametrize("breaks", [breaks_web_configuration, breaks_web_syntax, breaks_conf])
def test_no_secret_is_shown_when_a_file_is_broken(
    host: Host, guarded: Running, breaks: Callable[[Host], None]
) -> None:
    before = len(guarded.log)
    breaks(host)
    guarded.gets(signal.SIGHUP)
    guarded.until(
        lambda: any(word in guarded.log[before:] for word in ("refused", "cannot be read")), "a complaint"
    )
    assert told(shown(guarded)) == []


def test_no_secret_is_shown_when_pgbackrest_quotes_it(host: Host, guarded: Running) -> None:
    for words in QUOTATIONS:
        code = int(words[8:11])
        host.standin.behaves(f"exit {code}", stderr=words.encode() + b"\n")
        for pid in host.others():
            proc.end(pid)
        guarded.until(lambda code=code: guarded.logged(rf"reading failed.*error {code} "), "a failed reading")  # type: ignore[misc]
        assert told(shown(guarded)) == []
