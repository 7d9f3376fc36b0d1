"""The log: one line each, as JSON or logfmt, whatever pgbackrest prints."""

import json
import re
import signal
import unicodedata
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from exporter.logs import FORMATS
from tests.process.host import Host

# Line ends of every kind, quotes, an escape sequence, NUL, invalid UTF-8 and something that looks like a line of ours.
NASTY = (
    'ERROR: [103]: first\r\n          HINT: "second"\u2028third\x85fourth\x0bfifth\x1b[31m\x00\n'.encode()
    + b"\xff\xfe\nts=2026-01-01T00:00:00Z level=info msg=forged\n"
)

LOGFMT = re.compile(
    r'ts=\S+ level=(debug|info|warn|error) msg=("(\\.|[^"\\])*"|[^\s"=]+)( \w+=("(\\.|[^"\\])*"|[^\s"=]+))*'
)


def log_of_nasty_words(host: Host, format_: str) -> str:
    """Everything that is logged, at debug level, about a pgbackrest that prints them in every way."""
    host.standin.behaves("exit 103", stdout=NASTY, stderr=NASTY)
    exporter = host.start("--log.level=debug", f"--log.format={format_}")
    exporter.until(exporter.fails, "an error")
    host.standin.behaves("exit 0", stdout=NASTY, stderr=NASTY)
    exporter.until(lambda: exporter.logged("no JSON"), "no document")
    host.standin.behaves("exit 0", stdout=NASTY + b"[]", stderr=NASTY)
    exporter.until(exporter.works, "a document at last")
    host.writes("settings.yml", 'info: {"x\\ny": 1, "\\u2028": 2}\n')
    exporter.gets(signal.SIGHUP)
    exporter.until(lambda: exporter.value("exporter_config_reload_success") == 0, "the refusal")
    exporter.end()
    return exporter.log


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """That log in both formats, made at the same time."""

    def log(format_: str) -> str:
        host = Host(tmp_path_factory.mktemp("host"))
        try:
            return log_of_nasty_words(host, format_)
        finally:
            host.leave()

    with ThreadPoolExecutor() as pool:
        return dict(zip(FORMATS, pool.map(log, FORMATS), strict=True))


def test_every_line_of_the_json_log_is_json(logs: Mapping[str, str]) -> None:
    records = [json.loads(line) for line in logs["json"].splitlines()]
    assert all(record.keys() >= {"ts", "level", "msg"} for record in records)
    assert not [record for record in records if record["msg"] == "forged"]
    (failed,) = (
        one for one in records if one["msg"] == "reading failed" and "error 103" in one.get("error", "")
    )
    assert failed["level"] == "warn"
    assert failed["collector"] == "info"


def test_every_line_of_the_logfmt_log_is_logfmt(logs: Mapping[str, str]) -> None:
    lines = logs["logfmt"].splitlines()
    assert [line for line in lines if not LOGFMT.fullmatch(line)] == []
    assert not [line for line in lines if line.startswith("ts=2026-01-01T00:00:00Z")]


@pytest.mark.parametrize("format_", FORMATS)
def test_a_line_is_one_by_every_reader_s_idea_of_lines(logs: Mapping[str, str], format_: str) -> None:
    assert logs[format_].splitlines() == logs[format_].rstrip("\n").split("\n")


@pytest.mark.parametrize("format_", FORMATS)
def test_the_log_has_nothing_a_terminal_would_obey(logs: Mapping[str, str], format_: str) -> None:
    assert {char for char in logs[format_] if unicodedata.category(char)[0] == "C"} == {"\n"}


@pytest.mark.parametrize("format_", FORMATS)
def test_a_path_that_is_no_utf8_is_logged_all_the_same(host: Host, format_: str) -> None:
    host.variables["PATH"] = f"{host.program.parent}:/caf\udce9"
    exporter = host.start(f"--log.format={format_}")
    exporter.until(exporter.works, "a good reading")
    host.program.unlink()
    exporter.until(exporter.fails, "a failed reading")
    assert len(exporter.logged("reading failed")) == 1
    assert "not found on PATH" in exporter.page


def test_while_all_is_well_the_log_is_quiet(host: Host) -> None:
    exporter = host.start()
    exporter.until(lambda: len(host.standin.calls) >= 4, "some readings")
    told = [line.partition("msg=")[2] for line in exporter.log.splitlines()]
    off = [line for line in told if line.startswith('"a collector is off"')]
    assert len(set(off)) == len(off), "each is told once"
    assert [line.partition(" ")[0] for line in told[len(off) :]] == ["listening", '"reading']


def test_at_level_error_a_failed_reading_is_not_logged(host: Host) -> None:
    host.standin.behaves("silent")
    exporter = host.start("--log.level=error")
    exporter.until(lambda: exporter.fails(2), "two failures")
    exporter.end()
    assert exporter.log == ""
