import json
import logging

import pytest

from exporter.logs import Lines


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("exporter.x", logging.WARNING, "file", 1, message, None, None)
    made.created = 1795369820.5
    made.__dict__.update(extra)
    return made


def test_logfmt_names_time_level_message_and_the_extra_fields() -> None:
    line = Lines("logfmt").format(
        record("reading failed", collector="info", error='no "x"=1', took=1.5, ok=True)
    )
    assert line == (
        'ts=2026-11-22T17:50:20.500Z level=warn msg="reading failed" collector=info '
        'error="no \\"x\\"=1" took=1.5 ok=true'
    )


def test_json_is_one_object() -> None:
    line = Lines("json").format(record("reading failed", path={"a": 1}, odd=object))
    assert json.loads(line)["level"] == "warn"
    assert json.loads(line)["path"] == {"a": 1}


@pytest.mark.parametrize("format_", ["logfmt", "json"])
def test_whatever_a_message_holds_it_stays_one_line_without_control_characters(format_: str) -> None:
    line = Lines(format_).format(record("a\nb\rc\x1b[31m\x00\x85\u2028d", error="\x1b]0;title\x07\n"))  # type: ignore[arg-type]
    assert len(line.splitlines()) == 1
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in line)


def test_a_traceback_is_a_field() -> None:
    try:
        raise ValueError("inner")
    except ValueError as error:
        made = record("broken")
        made.exc_info = (type(error), error, error.__traceback__)
    assert "inner" in json.loads(Lines("json").format(made))["traceback"]


def test_a_lone_surrogate_from_a_file_name_is_logged_all_the_same() -> None:
    assert "name" in Lines("json").format(record("name \udcff"))
    assert "name" in Lines("logfmt").format(record("name \udcff"))
