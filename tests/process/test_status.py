"""`status`: the words of the status page at a terminal, for scripts, and for Nagios."""

import json
import re

import pytest

from tests.process.host import Host

# The corpus' document is of one day; only thresholds that never end let it be fine.
PATIENT = dict.fromkeys(("backup", "full_backup"), "off")


def test_a_stanza_that_is_fine_is_one_line_and_exit_code_0(host: Host) -> None:
    host.sets(thresholds=PATIENT)
    done = host.run("status", f"--config.file={host.settings}")
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.startswith("✓ demo: Its newest backup is of 2026-")
    assert "\x1b" not in done.stdout


def test_old_backups_are_critical(host: Host) -> None:
    host.sets(thresholds={"backup": {"warning": "1s", "critical": "2s"}})
    done = host.run("status", f"--config.file={host.settings}", "--nagios")
    assert done.code == 2
    assert re.fullmatch(
        r"PGBACKREST CRITICAL - demo: .* \| ok=0 warning=0 critical=1 unknown=0\n", done.stdout
    )


def test_json_tells_name_verdict_words_and_findings(host: Host) -> None:
    host.sets(thresholds=PATIENT, stanzas={"demo": {}, "gone": {}})
    done = host.run("status", f"--config.file={host.settings}", "--json")
    assert done.code == 2
    worst, best = json.loads(done.stdout)
    assert (worst["name"], worst["verdict"]) == ("gone", "critical")
    assert (best["name"], best["verdict"]) == ("demo", "ok")
    assert worst["words"] == "pgBackRest does not list it: nothing is known of its backups."


def test_a_pgbackrest_that_cannot_be_asked_is_unknown(host: Host) -> None:
    host.sets(stanzas={"demo": {}})
    host.program.unlink()
    done = host.run("status", f"--config.file={host.settings}")
    assert done.code == 3
    assert "? demo: Nothing is known of it." in done.stdout
    assert "info: pgbackrest: not found on PATH" in done.stdout


@pytest.mark.parametrize(
    "flags", [["--nagios", "--bogus"], ["--json", "--nagios"], ["--config.file=/nonexistent.yml"]], ids=repr
)
def test_what_is_asked_for_wrongly_is_unknown_too(host: Host, flags: list[str]) -> None:
    done = host.run("status", *flags)
    assert done.code == 3
    assert done.stdout == ""
    assert len(done.complaints) == 1
