"""README's steps for Prometheus and Alertmanager, followed word by word, with the files as they are checked in."""

import grp
import json
import os
import pwd
import re
import subprocess  # noqa: TID251 - the steps are typed into a shell
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alerts.receivers import ROUTING_KEY, SLACK_PATH, TOKEN, Receivers
from tests.alerts.rules import ALERTS, PREFIX, names, rules
from tests.lab.child import Child
from tests.lab.exporter import free_port
from tests.lab.program import find
from tests.process.waiting import until

_INSTALLING = (ALERTS / "README.md").read_text().partition("## Installing")[2].partition("\n## ")[0]
(SNIPPET,) = re.findall(r"(?s)```yaml\n(.+?)```", _INSTALLING)
STEPS = re.sub(r"(?s)```.+?```", "", _INSTALLING)


class Host:
    """A folder that stands for / : what a step names below /etc lies there."""

    def __init__(self, folder: Path, receivers: Receivers) -> None:
        self.etc = folder / "etc"
        self.folder, self._receivers = folder, receivers
        (self.etc / "prometheus").mkdir(parents=True)
        self.prometheus, self.alertmanager = (f"127.0.0.1:{free_port(first)}" for first in (19390, 19490))

    def steps(self, chapter: str) -> list[str]:
        """The commands of a chapter, as they are to be typed here."""
        text = STEPS.partition(f"**{chapter}.**")[2].partition("\n**")[0]
        return [self._here(step) for step in re.findall(r"(?m)^    (?!  )(.+)$", text)]

    def type(self, *commands: str) -> None:
        for command in commands:
            done = subprocess.run(
                ("bash", "-euc", command),
                cwd=self.folder / "alerts",
                text=True,
                capture_output=True,
                timeout=60,
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"

    def get(self, address: str, path: str, *, method: str = "GET") -> bytes:
        request = urllib.request.Request(f"http://{address}{path}", method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            content: bytes = answer.read()
        return content

    def _here(self, command: str) -> str:
        user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
        return (
            command.replace("/etc/", f"{self.etc}/")
            .replace("-o prometheus -g prometheus", f"-o {user} -g {group}")
            .replace("systemctl reload prometheus", f"kill -HUP $(cat {self.folder}/prometheus.pid)")
        )


@pytest.fixture(scope="module")
def receivers() -> Iterator[Receivers]:
    with Receivers() as receivers:
        yield receivers


@pytest.fixture(scope="module")
def host(receivers: Receivers, tmp_path_factory: pytest.TempPathFactory) -> Host:
    """A copy of alerts/ lies there, as in a release."""
    folder = tmp_path_factory.mktemp("host")
    subprocess.run(("cp", "-r", str(ALERTS), str(folder / "alerts")), check=True)
    return Host(folder, receivers)


@pytest.fixture(scope="module")
def alertmanager(host: Host, receivers: Receivers) -> Iterator[Child]:
    """Installed by its steps; then the two addresses are written in that the README tells of."""
    secrets = {
        "pagerduty": ROUTING_KEY,
        "slack": f"http://{receivers.address}{SLACK_PATH}",
        "heartbeat": TOKEN,
    }
    for name, secret in secrets.items():
        (host.folder / "alerts" / name).write_text(f"{secret}\n")
    host.type(*host.steps("Alertmanager"))
    file = host.etc / "alertmanager" / "alertmanager.yml"
    text = file.read_text().replace("/etc/", f"{host.etc}/")
    file.write_text(
        text.replace("https://heartbeat.example.com/pgbackrest", f"http://{receivers.address}/heartbeat")
    )
    flags = (
        f"--config.file={file}",
        f"--storage.path={host.folder / 'alertmanager'}",
        f"--web.listen-address={host.alertmanager}",
        "--cluster.listen-address=",
    )
    yield from started(host, "prometheus-alertmanager", flags, host.alertmanager)


@pytest.fixture(scope="module")
def prometheus(host: Host, alertmanager: Child) -> Iterator[Child]:  # noqa: ARG001 - it runs beside
    """It ran already; then came the README's steps."""
    file = host.etc / "prometheus" / "prometheus.yml"
    before: dict[str, Any] = {"global": {"evaluation_interval": "1s"}}
    file.write_text(json.dumps(before))  # JSON is YAML
    flags = (
        f"--config.file={file}",
        f"--storage.tsdb.path={host.folder / 'prometheus'}",
        f"--web.listen-address={host.prometheus}",
        "--rules.alert.resend-delay=1s",  # the first is lost: Prometheus has yet to find Alertmanager
    )
    for child in started(host, "prometheus", flags, host.prometheus):
        (host.folder / "prometheus.pid").write_text(str(child.pid))
        copy, check, reload = host.steps("Prometheus")
        host.type(copy, check)
        further = yaml.safe_load(SNIPPET.replace("localhost:9093", host.alertmanager))
        file.write_text(json.dumps(before | further))
        host.type(reload)
        yield child


def started(host: Host, program: str, flags: tuple[str, ...], address: str) -> Iterator[Child]:
    argv = (find(program, f"apt-get install {program}"), *flags)
    child = Child(argv, env=dict(os.environ), cwd=host.folder, log=host.folder / f"{program}.log")
    try:
        child.wait_until(lambda: host.get(address, "/-/ready"), what=f"{program} is ready")
        yield child
    finally:
        child.stop()


def test_links_lead_to_ones_own_addresses(host: Host) -> None:
    (step, *_) = re.findall(r"(?ms)^    (sed .+?\.yml)$", STEPS)
    host.type(step.replace("\\\n", ""))
    for name in ("pgbackrest.rules.yml", "pgbackrest.prometheusrule.yml"):
        text = (host.folder / "alerts" / name).read_text()
        assert "example.com" not in text.partition("groups:")[2]
        assert text.count("https://wiki.example.org/pgbackrest/Pgbackrest") >= len(names())


def test_prometheus_evaluates_every_rule(host: Host, prometheus: Child) -> None:
    def found() -> list[dict[str, Any]]:
        groups = json.loads(host.get(host.prometheus, "/api/v1/rules"))["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    until(
        lambda: [rule["health"] for rule in found()] == ["ok"] * len(rules()),
        lambda: (
            f"{[(rule['name'], rule['health'], rule.get('lastError')) for rule in found()]}\n{prometheus.log}"
        ),
    )
    named = [rule.get("alert") or rule["record"] for rule in rules()]
    assert sorted(rule["name"] for rule in found()) == sorted(named)


def test_the_heartbeat_goes_all_the_way(
    host: Host, prometheus: Child, alertmanager: Child, receivers: Receivers
) -> None:
    until(lambda: receivers.got("heartbeat"), lambda: prometheus.log + alertmanager.log)
    (beat, *_) = receivers.got("heartbeat")
    (alert,) = beat.body["alerts"]
    assert alert["labels"]["alertname"] == f"{PREFIX}Watchdog"
    status = json.loads(host.get(host.alertmanager, "/api/v2/status"))
    named = {each["name"] for each in json.loads(host.get(host.alertmanager, "/api/v2/receivers"))}
    assert named == {f"pgbackrest-{name}" for name in ("pagerduty", "slack", "slack-news", "heartbeat")}
    assert "pgbackrest-nights" in status["config"]["original"]
    assert oct((host.etc / "alertmanager" / "secrets").stat().st_mode)[-3:] == "700"
    assert oct((host.etc / "alertmanager" / "secrets" / "pagerduty").stat().st_mode)[-3:] == "600"
