"""Log lines on stderr: logfmt for people and Loki, JSON for machines; one line each, whatever is in them."""

import io
import json
import logging
import os
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal

LEVELS = ("debug", "info", "warn", "error")
FORMATS = ("logfmt", "json")

# What a record has of itself; anything else came by extra= and is shown.
_KNOWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_PLAIN = re.compile(r"[!#-<>-~]+\Z")  # printable ASCII but for blank, quote and equals sign
_LEVEL = {"WARNING": "warn", "CRITICAL": "error"}


def set_up(level: str, format_: Literal["logfmt", "json"]) -> None:
    """Send every logger's lines of *level* and above to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(format_))
    logging.basicConfig(level=level.replace("warn", "warning").upper(), handlers=[handler], force=True)
    # A full disk or a closed pipe behind stderr must not end the exporter, nor fill stderr with tracebacks.
    logging.raiseExceptions = False


class Stderr(io.TextIOBase):
    """The standard error, where a full disk or a closed pipe behind it costs the words and nothing else.

    Python's own would raise there, and again at exit: the exit code would be wrong.
    """

    def write(self, text: str) -> int:
        """Write at once; what cannot be written is lost."""
        left = text.encode(errors="backslashreplace")
        with suppress(OSError):
            while left:
                left = left[os.write(2, left) :]
        return len(text)


class Lines(logging.Formatter):
    """Formats a record as one line of logfmt or JSON, with time, level, logger, message and its extra fields."""

    def __init__(self, format_: Literal["logfmt", "json"]) -> None:
        super().__init__()
        self._encode = _json if format_ == "json" else _logfmt

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": _LEVEL.get(record.levelname, record.levelname.lower()),
            "msg": record.getMessage(),
        }
        fields |= {key: value for key, value in record.__dict__.items() if key not in _KNOWN}
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return self._encode(fields)


def _json(fields: dict[str, Any]) -> str:
    # json and not orjson: it escapes all that is not ASCII, line separators and lone surrogates among it.
    return json.dumps(fields, default=str, separators=(",", ":"))


def _logfmt(fields: dict[str, Any]) -> str:
    return " ".join(f"{key}={_value(value)}" for key, value in fields.items())


def _value(value: Any) -> str:
    text = "true" if value is True else "false" if value is False else str(value)
    return text if _PLAIN.match(text) else json.dumps(text)
