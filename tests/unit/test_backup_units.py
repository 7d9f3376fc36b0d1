"""The timers, services and CronJobs of scheduled backups call the command as it is, and never two at a time."""

import os
import re
import shutil
import subprocess  # noqa: TID251 - systemd's own check of units
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.commands.backup import _parser
from tests.lab.program import find

DEPLOY = Path(__file__).parents[2] / "deploy"
SYSTEMD = DEPLOY / "systemd"
PROGRAM = "/opt/pgbackrest-exporter/bin/pgbackrest-exporter"
KINDS = {"full": ("full", False), "diff": ("diff", False), "incr": ("incr", False), "verify": (None, True)}


def cronjobs() -> dict[str, dict[str, Any]]:
    document = yaml.safe_load((DEPLOY / "kubernetes" / "backup-cronjob.yml").read_text())
    return {item["metadata"]["name"].rpartition("-")[2]: item["spec"] for item in document["items"]}


def line(kind: str, suffix: str, key: str) -> str:
    (found,) = re.findall(
        rf"^{key}=(.*)$", (SYSTEMD / f"pgbackrest-backup-{kind}@.{suffix}").read_text(), re.MULTILINE
    )
    return str(found)


@pytest.mark.parametrize("kind", KINDS)
def test_the_service_calls_the_command_line_as_it_is(kind: str) -> None:
    program, command, *words = line(kind, "service", "ExecStart").split()
    assert (program, command, words.pop()) == (PROGRAM, "backup", "$ARGS")
    args = _parser().parse_args(words)
    assert (args.type, args.verify) == KINDS[kind]
    assert (args.stanza, args.here, args.member) == ("%i", False, None)


def test_the_cronjobs_call_the_command_line_as_it_is() -> None:
    jobs = cronjobs()
    assert jobs.keys() == KINDS.keys()
    for kind, spec in jobs.items():
        pod = spec["jobTemplate"]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        command, *words = container["args"]
        args = _parser().parse_args(words)
        assert (command, args.type, args.verify) == ("backup", *KINDS[kind])
        assert args.here, "a pod is never a member"
        assert {each["name"] for each in container["volumeMounts"]} == {
            each["name"] for each in pod["volumes"]
        }
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert spec["concurrencyPolicy"] == "Forbid"
        assert spec["jobTemplate"]["spec"]["backoffLimit"] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_systemd_has_no_complaint(kind: str, tmp_path: Path) -> None:
    shutil.copytree(SYSTEMD, tmp_path, dirs_exist_ok=True)
    for unit in tmp_path.glob("pgbackrest-backup-*@.service"):
        unit.write_text(unit.read_text().replace(PROGRAM, shutil.which("true") or ""))
    analyze = find("systemd-analyze", "apt-get install systemd")
    names = [f"pgbackrest-backup-{kind}@main.{suffix}" for suffix in ("service", "timer")]
    done = subprocess.run(
        (analyze, "verify", "--man=no", *names),
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_all_services_share_reaches_each_of_them(tmp_path: Path) -> None:
    shutil.copytree(SYSTEMD, tmp_path, dirs_exist_ok=True)
    common = tmp_path / "pgbackrest-backup-.service.d" / "common.conf"
    common.write_text(common.read_text().replace("Type=oneshot", "Type=nonsense"))
    done = subprocess.run(
        (
            find("systemd-analyze", "apt-get install systemd"),
            "verify",
            "--man=no",
            "pgbackrest-backup-diff@main.service",
        ),
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "nonsense" in done.stderr


def test_the_weaker_waits_for_the_stronger_and_none_for_each_other() -> None:
    waits = {kind: set(re.findall(r"pgbackrest-backup-(\w+)@%i.service", after(kind))) for kind in KINDS}
    assert waits == {
        "full": set(),
        "diff": {"full"},
        "incr": {"full", "diff"},
        "verify": {"full", "diff", "incr"},
    }


def after(kind: str) -> str:
    return "".join(
        re.findall(r"^After=.*$", (SYSTEMD / f"pgbackrest-backup-{kind}@.service").read_text(), re.MULTILINE)
    )


def test_no_two_start_within_a_quarter_of_an_hour() -> None:
    assert [line(kind, "timer", "OnCalendar") for kind in KINDS] == [
        "Sun 01:05", "Mon..Sat 01:05", "*:35", "Sat 05:20"
    ]  # fmt: skip
    assert [cronjobs()[kind]["schedule"] for kind in KINDS] == [
        "5 1 * * 0", "5 1 * * 1-6", "35 * * * *", "20 5 * * 6"
    ]  # fmt: skip
    for kind in KINDS:
        assert line(kind, "timer", "Persistent") == "true"
        assert int(line(kind, "timer", "RandomizedDelaySec")) < 15 * 60
