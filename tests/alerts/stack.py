"""A real Prometheus and a real Alertmanager with the files of alerts/: our addresses, and time runs faster."""

import json
import math
import os
import re
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tests.alerts.receivers import ROUTING_KEY, SLACK_PATH, TOKEN
from tests.alerts.rules import ALERTS, load
from tests.lab.child import Child
from tests.lab.exporter import free_port
from tests.lab.program import find

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = r"(?:\d+(?:ms|[smhdw]))+"


def seconds(duration: str) -> float:
    """Of Prometheus' notation."""
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdw])", duration))


def _faster(duration: str, factor: float, least: float) -> str:
    return f"{math.ceil(1000 * max(least, seconds(duration) / factor))}ms" if seconds(duration) else "0s"


def scaled_rules(factor: float, lasting: float = 1) -> dict[str, Any]:
    """The rules with all durations divided; what bridges missed scrapes stays three seconds long at least.

    lasting: a `for` stays so many seconds long at least, or a thirtieth of what it was. Numbers inside of expressions
    are left as they are.
    """
    document = load()
    for group in document["groups"]:
        for rule in group["rules"]:
            rule["expr"] = re.sub(
                rf"(\[|offset )({_DURATION})",
                lambda found: found[1] + _faster(found[2], factor, 3),
                rule["expr"],
            )
            if "for" in rule:
                rule["for"] = _faster(rule["for"], factor, min(lasting, seconds(rule["for"]) / 30))
            if "keep_firing_for" in rule:
                rule["keep_firing_for"] = _faster(rule["keep_firing_for"], factor, 1)
    return document


def scaled_routing(factor: float, receivers: str, secrets: Path) -> dict[str, Any]:
    """alertmanager.yml with our receivers' addresses, secrets in that folder, all durations divided, no hour mute."""
    document: dict[str, Any] = yaml.safe_load((ALERTS / "alertmanager.yml").read_text())
    for name, secret in (
        ("pagerduty", ROUTING_KEY),
        ("slack", f"http://{receivers}{SLACK_PATH}"),
        ("heartbeat", TOKEN),
    ):
        (secrets / name).write_text(secret + "\n")
    text = json.dumps(document).replace("/etc/alertmanager/secrets", str(secrets))
    document = json.loads(
        text.replace("https://heartbeat.example.com/pgbackrest", f"http://{receivers}/heartbeat")
    )
    document["global"]["pagerduty_url"] = f"http://{receivers}/v2/enqueue"
    document["templates"] = [str(ALERTS / "templates" / "*.tmpl")]
    for interval in document["time_intervals"]:
        interval["time_intervals"] = [{"years": ["2000"]}]
    for route in (document["route"], *document["route"]["routes"]):
        for key in ("group_wait", "group_interval", "repeat_interval"):
            if key in route:
                route[key] = _faster(route[key], factor, 0.4 if key == "repeat_interval" else 0.5)
    return document


class Stack:
    """`with Stack(folder, …) as stack:` – both run as we do; jobs are Prometheus' `scrape_configs`.

    factor: how many times faster than in alerts/; scrapes and evaluations come every second.
    routing: the same for Alertmanager's own times, if they are another. lasting: see scaled_rules.
    """

    def __init__(
        self,
        folder: Path,
        *,
        receivers: str,
        jobs: Sequence[Mapping[str, Any]],
        factor: float,
        routing: float | None = None,
        lasting: float = 1,
    ) -> None:
        self._folder = folder
        self._prometheus = f"127.0.0.1:{free_port(19190)}"
        self._alertmanager = f"127.0.0.1:{free_port(19290)}"
        self._rules, self._jobs = scaled_rules(factor, lasting), len(jobs)
        self._write(receivers, jobs, routing or factor)
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        try:
            self._start(
                "prometheus-alertmanager",
                f"--config.file={self._folder / 'alertmanager.yml'}",
                f"--storage.path={self._folder / 'alertmanager'}",
                f"--web.listen-address={self._alertmanager}",
                "--cluster.listen-address=",
                ready=self._alertmanager,
            )
            self._start_prometheus()
            self._load_rules()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for child in reversed(self._children):
            child.stop()

    def restart_prometheus(self) -> None:
        """As for an update: the same data, the rules from its first moment on."""
        self._children.pop().stop(within=30)
        self._start_prometheus()

    def also_scrape(self, *addresses: str) -> None:
        """Exporters that the first job has beside its own, from some seconds later on; none: no longer."""
        new = self._folder / "further.json.new"
        new.write_text(json.dumps([{"targets": addresses}]))
        new.replace(self._folder / "further.json")

    def alerts(self) -> list[dict[str, Any]]:
        """What Prometheus has pending or firing, with labels and annotations as they are sent."""
        found: list[dict[str, Any]] = self._get(self._prometheus, "/api/v1/alerts")["data"]["alerts"]
        return found

    def errors(self) -> list[str]:
        """The rules that cannot be evaluated, and why."""
        groups = self._get(self._prometheus, "/api/v1/rules")["data"]["groups"]
        return [
            f"{rule['name']}: {rule['lastError']}"
            for group in groups
            for rule in group["rules"]
            if rule.get("lastError")
        ]

    def _write(self, receivers: str, jobs: Sequence[Mapping[str, Any]], factor: float) -> None:
        secrets = self._folder / "secrets"
        secrets.mkdir()
        routing = scaled_routing(factor, receivers, secrets)
        prometheus = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(self._folder / "rules.yml")],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [self._alertmanager]}]}]},
            "scrape_configs": [
                dict(jobs[0]) | {"file_sd_configs": [{"files": [str(self._folder / "further.json")]}]},
                *jobs[1:],
                {"job_name": "alertmanager", "static_configs": [{"targets": [self._alertmanager]}]},
                {"job_name": "prometheus", "static_configs": [{"targets": [self._prometheus]}]},
            ],
        }
        files = {"alertmanager": routing, "prometheus": prometheus, "rules": {"groups": []}}
        for name, document in files.items():
            (self._folder / f"{name}.yml").write_text(json.dumps(document))  # JSON is YAML

    def _start_prometheus(self) -> None:
        # An alert that is not sent again within four times the delay is over for Alertmanager: a second would be too
        # short on a busy machine. What begins or ends is sent at once all the same.
        self._start(
            "prometheus",
            f"--config.file={self._folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._folder / 'prometheus'}",
            f"--web.listen-address={self._prometheus}",
            "--web.enable-lifecycle",
            "--rules.alert.resend-delay=5s",
            ready=self._prometheus,
        )

    def _load_rules(self) -> None:
        """Only once it scrapes: that takes it some seconds, which the rules would take for many minutes."""
        prometheus = self._children[-1]
        everything = f"/api/v1/query?query=count(up==1)=={self._jobs}%2B2"
        prometheus.wait_until(
            lambda: self._get(self._prometheus, everything)["data"]["result"], what="all is scraped"
        )
        (self._folder / "rules.yml").write_text(json.dumps(self._rules))  # JSON is YAML
        reload = urllib.request.Request(f"http://{self._prometheus}/-/reload", method="POST")
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(reload, timeout=10).close()

    def _start(self, program: str, *arguments: str, ready: str) -> None:
        argv = (find(program, f"apt-get install {program}"), *arguments)
        log = self._folder / f"{program}.log"
        child = Child(argv, env=dict(os.environ), cwd=self._folder, log=log)
        self._children.append(child)
        child.wait_until(lambda: self._answers(ready), what=f"{program} is ready")

    @staticmethod
    def _answers(address: str) -> bytes:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{address}/-/ready", timeout=5) as answer:
            content: bytes = answer.read()
        return content

    @staticmethod
    def _get(address: str, path: str) -> dict[str, Any]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{address}{path}", timeout=10) as answer:
            document: dict[str, Any] = json.load(answer)
        return document
