"""The exporter's unit is one that systemd accepts, shuts it in, and still lets it see what it has to see."""

import os
import re
import shutil
import subprocess  # noqa: TID251 - systemd's own check of units
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.lab.program import find

SYSTEMD = Path(__file__).parents[2] / "deploy" / "systemd"
UNIT = SYSTEMD / "pgbackrest-exporter.service"
DROP_INS = sorted((SYSTEMD / "drop-ins").glob("*.conf"))
MOST_EXPOSED = 2.0

# systemd.exec(5), NoNewPrivileges=: where a user is named each of these sets it, whatever that says.
IMPLY_NO_NEW_PRIVILEGES = {
    "SystemCallFilter", "SystemCallArchitectures", "RestrictAddressFamilies", "RestrictNamespaces", "PrivateDevices",
    "ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs", "ProtectClock", "ProtectHostname",
    "MemoryDenyWriteExecute", "RestrictRealtime", "RestrictSUIDSGID", "LockPersonality",
}  # fmt: skip


def settings(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", path.read_text(), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def analyze(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (find("systemd-analyze", "apt-get install systemd"), *words),
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{folder}:"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def installed(folder: Path, drop_ins: Sequence[Path]) -> Path:
    """Copy the unit as its head says; the program that it starts is not here."""
    unit = folder / UNIT.name
    text = UNIT.read_text()
    (start,) = settings(UNIT)["ExecStart"]
    unit.write_text(text.replace(start, shutil.which("true") or ""))
    if drop_ins:
        (folder / f"{UNIT.name}.d").mkdir()
        for each in drop_ins:
            shutil.copy(each, folder / f"{UNIT.name}.d")
    return unit


@pytest.mark.parametrize("drop_ins", [(), *((each,) for each in DROP_INS), DROP_INS], ids=len)
def test_systemd_has_no_complaint(drop_ins: Sequence[Path], tmp_path: Path) -> None:
    installed(tmp_path, drop_ins)
    shutil.copy(SYSTEMD / "pgbackrest-exporter.socket", tmp_path)
    done = analyze(tmp_path, "verify", "--man=no", UNIT.name, "pgbackrest-exporter.socket")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("drop_in", ["", "own-user.conf"])
def test_it_is_shut_in(drop_in: str, tmp_path: Path) -> None:
    unit = installed(tmp_path, [SYSTEMD / "drop-ins" / drop_in] if drop_in else [])
    done = analyze(tmp_path, "security", "--offline=true", "--no-pager", str(unit))
    (exposure,) = re.findall(r"Overall exposure level for .*: ([\d.]+)", done.stdout)
    assert float(exposure) <= MOST_EXPOSED, done.stdout


def test_it_is_watched_and_started_again() -> None:
    own = settings(UNIT)
    assert own["Type"] == ["notify"]
    assert own["WatchdogSec"] == ["1min"]
    assert own["Restart"] == ["on-failure"], "which a hang is, too"
    assert own["ExecReload"] == ["/bin/kill -HUP $MAINPID"]


def test_pgbackrest_s_locks_stay_visible_in_a_private_tmp() -> None:
    own, made = settings(UNIT), (SYSTEMD / "pgbackrest-exporter.tmpfiles.conf").read_text()
    assert own["PrivateTmp"] == ["yes"]
    assert own["BindReadOnlyPaths"] == ["-/tmp/pgbackrest"]
    assert re.search(r"^d /tmp/pgbackrest :0770 :postgres :postgres -$", made, re.MULTILINE)
    assert re.search(r"^x /tmp/pgbackrest$", made, re.MULTILINE), "no age takes it away"


def test_what_it_may_write_is_made_before() -> None:
    (writable,) = settings(UNIT)["ReadWritePaths"]
    made = (SYSTEMD / "pgbackrest-exporter.tmpfiles.conf").read_text()
    assert re.search(rf"^d {writable.removeprefix('-')} 2770 postgres postgres -$", made, re.MULTILINE)


def test_a_sudo_needs_every_setting_undone_that_takes_new_privileges_away() -> None:
    undone = settings(SYSTEMD / "drop-ins" / "sudo.conf")
    needed = IMPLY_NO_NEW_PRIVILEGES & settings(UNIT).keys() | {"NoNewPrivileges", "CapabilityBoundingSet"}
    assert undone.keys() == needed
    assert {name for name in needed if undone[name] not in (["no"], [""])} == {"CapabilityBoundingSet"}


@pytest.mark.parametrize(
    ("program", "file"),
    [("systemd-sysusers", "sysusers"), ("systemd-tmpfiles", "tmpfiles")],
)
def test_users_and_folders_are_made(program: str, file: str, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_text("postgres:x:101:104::/:/bin/sh\n")
    (tmp_path / "etc" / "group").write_text("postgres:x:104:\n")
    conf = SYSTEMD / f"pgbackrest-exporter.{file}.conf"
    words = ["--create"] if file == "tmpfiles" else []
    done = subprocess.run(
        (find(program, "apt-get install systemd"), f"--root={tmp_path}", *words, str(conf)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    if file == "tmpfiles":
        modes = {name: (tmp_path / name).stat() for name in ("tmp/pgbackrest", "var/lib/pgbackrest-exporter")}
        assert {oct(each.st_mode)[-4:] for each in modes.values()} == {"0770", "2770"}
        assert {(each.st_uid, each.st_gid) for each in modes.values()} == {(101, 104)}
    else:
        assert "pgbackrest-exporter:x:" in (tmp_path / "etc" / "passwd").read_text()
        assert "postgres:x:104:pgbackrest-exporter" in (tmp_path / "etc" / "group").read_text()
