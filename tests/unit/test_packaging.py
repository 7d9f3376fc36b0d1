"""What is shipped agrees with itself: pins with hashes, the image, the units and the version."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from exporter import __version__

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ("requirements.txt", "requirements-build.txt", "requirements-test.txt")
PIN = re.compile(
    r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; [^\\]+)? \\\n((?:    --hash=\S+(?: \\)?\n)*)", re.MULTILINE
)
PYTHON_OF_BASE = {"docker.io/library/debian:12-slim": (3, 11)}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def named(requirements: list[Any]) -> set[str]:
    """Return the packages of a list of requirements; other groups that it includes are followed."""
    names: set[str] = set()
    for requirement in requirements:
        if isinstance(requirement, dict):
            names |= named(PROJECT["dependency-groups"][requirement["include-group"]])
        else:
            names.add(canonical(re.split(r"[^A-Za-z0-9._-]", requirement)[0]))
    return names


def pins(lock: str) -> dict[str, str]:
    return {canonical(name): version for name, version, _ in PIN.findall((ROOT / lock).read_text())}


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text().replace("\\\n", "")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    text = (ROOT / lock).read_text()
    found = PIN.findall(text)
    assert len(found) == len(re.findall(r"^[^#\s]", text, re.MULTILINE)), "a line that is no pin"
    assert [name for name, _, hashes in found if "--hash=sha256:" not in hashes] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index_and_no_path(lock: str) -> None:
    for number, line in enumerate((ROOT / lock).read_text().splitlines(), 1):
        words = line.removeprefix("    # via ").strip()
        assert not re.search(r"://|^-i\b|index|find-links|trusted-host|(^|\s)/|\.(com|org|io)\b", words), (
            f"line {number}"
        )


def test_what_the_exporter_needs_is_pinned() -> None:
    assert named(PROJECT["project"]["dependencies"]) <= pins("requirements.txt").keys()


def test_what_builds_it_is_pinned() -> None:
    assert named(PROJECT["build-system"]["requires"]) <= pins("requirements-build.txt").keys()


def test_what_the_tests_need_is_pinned() -> None:
    needed = named(PROJECT["dependency-groups"]["test"]) | named(PROJECT["build-system"]["requires"])
    assert needed <= pins("requirements-test.txt").keys()


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-build.txt"])
def test_what_is_shipped_is_what_was_tested(lock: str) -> None:
    assert pins(lock).items() <= pins("requirements-test.txt").items()


def test_the_base_of_the_image_has_a_python_that_is_new_enough() -> None:
    base = re.search(r"^ARG BASE=(\S+)$", dockerfile(), re.MULTILINE)
    assert base
    wanted = re.fullmatch(r">=(\d+)\.(\d+)", PROJECT["project"]["requires-python"])
    assert wanted
    assert PYTHON_OF_BASE[base[1]] >= tuple(map(int, wanted.groups()))
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", dockerfile(), re.MULTILINE)
    assert stages == [
        ("${BASE}", "build"),
        ("${BASE}", "exporter"),
        ("exporter", "restore-test"),
        ("exporter", ""),
    ]


def test_the_image_runs_the_console_script_as_a_numeric_user() -> None:
    entry = re.search(r"^ENTRYPOINT (.+)$", dockerfile(), re.MULTILINE)
    assert entry
    assert json.loads(entry[1])[-1] in PROJECT["project"]["scripts"]
    for stage in re.split(r"^FROM ", dockerfile(), flags=re.MULTILINE)[2:4]:
        *_, user = re.findall(r"^USER (\S+)$", stage, re.MULTILINE)
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), "runAsNonRoot of Kubernetes believes numbers only"


def test_the_build_context_holds_what_the_image_copies() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile(), re.MULTILINE)
    assert {name for line in copied for name in line.split()} == kept
    assert [name for name in sorted(kept) if not (ROOT / name).exists()] == []


def test_the_image_carries_the_version() -> None:
    assert f"ARG VERSION={__version__}\n" in dockerfile()


def test_the_guide_installs_this_version() -> None:
    named = re.findall(
        r"(?:exporter|restore-test)[_:](\d[\d.]*\d)", (ROOT / "docs" / "install.md").read_text()
    )
    assert len(named) > 3
    assert set(named) == {__version__}


def test_the_changelog_tells_of_this_version_first() -> None:
    entries = re.findall(r"^## \[([^]]+)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert entries
    version, date = entries[0]
    assert version == __version__
    assert re.fullmatch(r"unreleased|\d{4}-\d\d-\d\d", date)


def test_the_unit_runs_the_console_script() -> None:
    unit = (ROOT / "deploy/systemd/pgbackrest-exporter.service").read_text()
    program = re.search(r"^ExecStart=(\S+)", unit, re.MULTILINE)
    assert program
    assert Path(program[1]).name in PROJECT["project"]["scripts"]
