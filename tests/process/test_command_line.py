"""Flags, exit codes, and one clear line for everything that keeps it from running."""

import shlex
import signal
import socket
from pathlib import Path

import pytest

from exporter import __version__
from exporter.settings.file import load
from tests.process.host import ANYWHERE, COMMAND, Host
from tests.standin import PROGRAM

BAD_SETTINGS = """\
info: {evry: 5s, within: soon}
stanzas: {demo: {thresholds: {backup: {warning: 3}}}}
info: {every: 1s}
exclude: scratch
"""


def test_version_is_told(host: Host) -> None:
    done = host.run("--version")
    assert (done.code, done.stdout, done.stderr) == (0, f"pgbackrest-exporter {__version__}\n", "")


def test_help_teaches_with_examples(host: Host) -> None:
    done = host.run("--help")
    assert (done.code, done.stderr) == (0, "")
    assert "examples:" in done.stdout
    assert "exit codes:" in done.stdout
    for flag in ("--config.file", "--config.check", "--web.listen-address", "--web.systemd-socket"):
        assert flag in done.stdout


def test_a_check_prints_settings_that_can_be_read_again(host: Host) -> None:
    host.sets(stanzas={"demo": {}}, thresholds={"backup": {"warning": "1h"}})
    done = host.run(f"--config.file={host.settings}", "--config.check")
    assert (done.code, done.stderr) == (0, "")
    assert load(host.writes("printed.yml", done.stdout)) == load(host.settings)
    assert host.standin.calls == []


def test_a_check_without_a_file_shows_the_defaults(host: Host) -> None:
    done = host.run("--config.check")
    assert done.code == 0
    assert load(host.writes("printed.yml", done.stdout)) == load(None)


@pytest.mark.parametrize("check", [[], ["--config.check"]], ids=["start", "check"])
def test_every_mistake_of_the_settings_is_one_line(host: Host, check: list[str]) -> None:
    file = host.writes("settings.yml", BAD_SETTINGS)
    done = host.run(f"--config.file={file}", ANYWHERE, *check)
    assert done.code == 2
    assert done.stdout == ""
    assert all(line.startswith(f"pgbackrest-exporter: {file}:") for line in done.complaints)
    for mistake in ("info.evry", "info.within", "backup.warning", "exclude", "settings.yml:3"):
        assert [line for line in done.complaints if mistake in line], f"{mistake} in {done.stderr}"


def test_every_mistake_of_the_web_configuration_is_one_line(host: Host) -> None:
    file = host.writes("web.yml", "tls_server_config: {cert_fil: x}\nbasic_auth_users: {one: plain}\n")
    done = host.run(f"--config.file={host.settings}", f"--web.config.file={file}", ANYWHERE)
    assert done.code == 2
    assert all(line.startswith("pgbackrest-exporter: ") for line in done.complaints)
    assert len([line for line in done.complaints if "cert_fil" in line]) == 1
    assert len([line for line in done.complaints if "basic_auth_users" in line]) == 1


@pytest.mark.parametrize(
    ("name", "path"), [("config.file", "/no/such/file.yml"), ("web.config.file", "/proc")]
)
def test_a_file_that_cannot_be_read_is_one_line(host: Host, name: str, path: str) -> None:
    done = host.run(f"--{name}={path}", ANYWHERE)
    assert done.code == 2
    assert len(done.complaints) == 1
    assert path in done.stderr


@pytest.mark.parametrize(
    "flag",
    [
        "--no-such-flag",
        "--log.level=loud",
        "--web.listen-address=nonsense",
        "--web.listen-address=127.0.0.1:99999",
        "--web.telemetry-path=metrics",
        "--web.telemetry-path=/-/ready",
        "more words",
    ],
)
def test_a_bad_flag_is_named(host: Host, flag: str) -> None:
    done = host.run(f"--config.file={host.settings}", flag)
    assert done.code == 2
    assert "Traceback" not in done.stderr
    wrong = flag.partition("=")[2] or flag
    assert wrong in done.complaints[-1]
    assert host.standin.calls == []


def test_a_missing_pgbackrest_is_one_line(host: Host) -> None:
    host.program.unlink()
    done = host.run(f"--config.file={host.settings}", ANYWHERE)
    assert done.code == 1
    assert len(done.complaints) == 1
    assert "pgbackrest: no such program on PATH: install it" in done.stderr


def test_a_pgbackrest_that_may_not_be_executed_is_one_line(host: Host) -> None:
    host.installs(PROGRAM.read_bytes(), mode=0o644)
    host.sets(pgbackrest={"command": [str(host.program)]})
    done = host.run(f"--config.file={host.settings}", ANYWHERE)
    assert done.code == 1
    assert len(done.complaints) == 1
    assert f"{host.program}: may not be executed" in done.stderr


def test_a_port_in_use_is_one_line(host: Host) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = host.run(f"--config.file={host.settings}", f"--web.listen-address=127.0.0.1:{port}")
    assert done.code == 1
    assert len(done.complaints) == 1
    assert f"cannot listen on 127.0.0.1:{port}: port {port} is in use" in done.stderr
    assert host.standin.calls == []


def test_a_port_of_another_exporter_is_taken_again_when_that_has_ended(host: Host) -> None:
    first = host.start().until_ready()
    address = f"--web.listen-address=127.0.0.1:{first.port}"
    first.get("/metrics")
    assert host.run(f"--config.file={host.settings}", address).code == 1
    first.end()
    host.start(address=address).until_ready()


@pytest.mark.parametrize(
    ("stderr", "flag"),
    [
        ("2>&-", "--no-such-flag"),
        ("2>/dev/full", "--no-such-flag"),
        ("2>/dev/full", "--config.file=/no/such/file.yml"),
    ],
)
def test_the_exit_code_is_right_when_nobody_can_be_told(host: Host, stderr: str, flag: str) -> None:
    done = host.run(command=(*redirected(stderr), flag))
    assert done.code == 2


@pytest.mark.parametrize(
    "stderr", ["2>&-", "2>/dev/full", "<&- >&- 2>&-"], ids=["closed", "full", "all closed"]
)
def test_it_runs_though_nobody_can_be_told(host: Host, stderr: str) -> None:
    exporter = host.start("--log.level=debug", command=redirected(stderr))
    exporter.until(exporter.works, "a good reading")
    host.standin.behaves("garbage")
    exporter.until(exporter.fails, "a failed reading")
    exporter.gets(signal.SIGHUP)
    assert exporter.end() < 2


def redirected(stderr: str) -> tuple[str, ...]:
    """The exporter as a shell starts it with that redirection."""
    return ("/bin/sh", "-c", f'exec {shlex.join(COMMAND)} "$@" {stderr}', "sh")


def test_it_needs_no_writable_folder(host: Host) -> None:
    """What it writes is its log alone."""
    before = set(files(host.folder))
    exporter = host.start()
    exporter.until(exporter.works, "a good reading")
    exporter.end()
    assert {file.name for file in set(files(host.folder)) - before} <= {"log.0", "calls"}


def files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]
