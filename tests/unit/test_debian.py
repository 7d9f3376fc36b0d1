"""The Debian package says what there is: all flags in the man page, all files in place. Installing it: tests/deb.sh."""

import re
import subprocess  # noqa: TID251 - the program's own help
import sys
from pathlib import Path

import pytest

from exporter.commands import COMMANDS

ROOT = Path(__file__).parents[2]
DEBIAN = ROOT / "deploy" / "debian"
PAGE = (DEBIAN / "pgbackrest-exporter.1").read_text().replace("\\-", "-")
FLAG = re.compile(r"--[a-z]+(?:[.-][a-z]+)*")


def flags(*command: str) -> set[str]:
    done = subprocess.run(
        (sys.executable, "-m", "exporter", *command, "--help"),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    options = done.stdout.partition("\noptions:\n")[2].partition("\n\n")[0]
    return {flag for line in options.splitlines() if re.match(r" {2}-", line) for flag in FLAG.findall(line)}


def described() -> set[str]:
    """Return the flags that have an entry of their own."""
    entries = re.findall(r"^\.TP\n(.*)$", PAGE, re.MULTILINE)
    return {flag for entry in entries for flag in FLAG.findall(entry)}


def test_the_man_page_describes_every_flag_and_no_other() -> None:
    there = flags().union(*(flags(command) for command in COMMANDS))
    assert described() == there


@pytest.mark.parametrize("command", COMMANDS)
def test_the_synopsis_of_a_command_has_its_flags(command: str) -> None:
    synopsis = PAGE.partition(".SH SYNOPSIS")[2].partition(".SH")[0]
    (words,) = (
        part for part in synopsis.split("\n.br\n") if re.match(rf"\.B pgbackrest-exporter {command}\b", part)
    )
    assert set(FLAG.findall(words)) == flags(command) - {"--help"}


def test_every_folder_that_is_packed_is_there() -> None:
    build = (DEBIAN / "build.sh").read_text()
    for place in re.findall(r"(?:^|\s)(deploy/[\w./@-]+\.\w+)", build, re.MULTILINE):
        assert (ROOT / place).exists(), place
    assert list((ROOT / "deploy" / "systemd").glob("pgbackrest-*@.timer"))


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm"])
def test_a_maintainer_script_is_read_by_the_shell_and_stops_at_an_error(script: str) -> None:
    subprocess.run(("sh", "-n", DEBIAN / script), check=True)
    assert "\nset -e\n" in (DEBIAN / script).read_text()
