"""What lies in deploy/ for restore tests: the hook for Slack says what happened, and never where it says it."""

import os
import shutil
import subprocess  # noqa: TID251 - the hook is a program of its own
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import orjson
import yaml

from exporter.commands.restore_test import _parser
from exporter.model.restore_tests import Check, Record
from exporter.restore.hook import call, variables
from tests.lab.program import find

DEPLOY = Path(__file__).parents[3] / "deploy"
RECORD = Record(
    stanza="main", repo=2, target="latest", started=0, ended=61, result="not_proven", words="indexes: rotten",
    backup="20261122-100000F", checks=(Check(name="indexes", state="failed", words="rotten"),),
)  # fmt: skip


def hook(webhook: Path, told: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(DEPLOY / "hooks" / "restore-test-slack")],
        env={**os.environ, **told, "SLACK_WEBHOOK_FILE": str(webhook), "no_proxy": "*"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_hook_for_slack_posts_what_failed(tmp_path: Path) -> None:
    posted: list[dict[str, str]] = []

    class Slack(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(orjson.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Stay quiet."""

    with HTTPServer(("127.0.0.1", 0), Slack) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        webhook = tmp_path / "webhook"
        webhook.write_text(f"http://127.0.0.1:{server.server_port}/services/SECRET\n")
        done = hook(webhook, variables(RECORD, "/x.log"))
        thread.join()
    assert done.returncode == 0, done.stderr
    (message,) = posted
    for words in (
        "*main*",
        "repository 2",
        "*not proven*",
        "61 s",
        "indexes: rotten",
        "pg_amcheck finds no fault",
    ):
        assert words in message["text"]


def test_an_unreachable_slack_is_told_without_the_address(tmp_path: Path) -> None:
    webhook = tmp_path / "webhook"
    webhook.write_text("http://127.0.0.1:1/services/SECRET\n")
    done = hook(webhook, variables(RECORD, "/x.log"))
    assert done.returncode == 1
    assert "Slack did not take it" in done.stderr
    assert "SECRET" not in done.stderr + done.stdout


async def test_a_hook_that_fails_is_one_line_and_no_more(tmp_path: Path) -> None:
    script = tmp_path / "hook"
    script.write_text(f'#!/bin/sh\nenv > {tmp_path}/told\necho "no such\nchannel" >&2\nexit 3\n')
    script.chmod(0o755)
    problem = await call([str(script)], RECORD, "/x.log")
    assert problem == f"hook: {script} ended with exit code 3: no such channel"
    assert "RESTORE_TEST_FAILED_CHECKS=indexes" in (tmp_path / "told").read_text()
    missing = await call([str(tmp_path / "none")], RECORD, "/x.log")
    assert missing is not None
    assert "restore_tests.hook" in missing


def test_the_cronjob_calls_the_command_line_as_it_is() -> None:
    document = yaml.safe_load((DEPLOY / "kubernetes" / "restore-test-cronjob.yml").read_text())
    pod = document["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    command, *words = container["args"]
    assert command == "restore-test"
    assert _parser().parse_args(words).stanza == "main"
    mounted = {each["name"] for each in container["volumeMounts"]}
    assert mounted == {each["name"] for each in pod["volumes"]}
    assert document["spec"]["jobTemplate"]["spec"]["backoffLimit"] == 0


def test_the_unit_calls_the_command_line_as_it_is() -> None:
    unit = (DEPLOY / "systemd" / "pgbackrest-restore-test@.service").read_text()
    (line,) = (line for line in unit.splitlines() if line.startswith("ExecStart="))
    program, command, *words = line.removeprefix("ExecStart=").split()
    assert (program, command) == ("/opt/pgbackrest-exporter/bin/pgbackrest-exporter", "restore-test")
    assert _parser().parse_args([word for word in words if word != "$ARGS"]).stanza == "%i"


def test_systemd_has_no_complaint_about_service_and_timer(tmp_path: Path) -> None:
    for unit in (DEPLOY / "systemd").glob("pgbackrest-restore-test@.*"):
        program = "/opt/pgbackrest-exporter/bin/pgbackrest-exporter"
        (tmp_path / unit.name).write_text(unit.read_text().replace(program, shutil.which("true") or ""))
    names = [f"pgbackrest-restore-test@main.{suffix}" for suffix in ("service", "timer")]
    done = subprocess.run(
        (find("systemd-analyze", "apt-get install systemd"), "verify", "--man=no", *names),
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
