"""pgBackRest's own words for an error: found in what it printed, put on one line, and without secrets."""

import re

from exporter.pgbackrest.redaction import redacted

LONGEST = 400
"""Characters of an error's words that are kept."""

# `ERROR: [055]: …` with nothing before it on stderr, with time and process on stdout and in logs.
_ERROR = re.compile(
    rb"^(?:\d{4}-\d\d-\d\d [\d:.]+ )?(?:P\d\d+ +)?(?:ERROR|ASSERT): \[(\d{3})\]: (.*(?:\n +\S.*)*)",
    re.MULTILINE,
)
_HINT = re.compile(r"\s*HINT: .*")


def last_error(printed: bytes) -> str | None:
    """Return the words of the last error that was printed; where there is none, the last line, if any."""
    found = _ERROR.findall(printed)
    if found:
        code, words = found[-1]
        return f"[{code.decode()}]: {one_line(words.decode(errors='replace'))}"
    lines = printed.strip().splitlines()
    return one_line(lines[-1].decode(errors="replace")) if lines else None


def one_line(words: str) -> str:
    """Put a message on one line, without hints and secrets, and cut it to LONGEST characters."""
    lines = (line.strip() for line in words.splitlines() if not _HINT.fullmatch(line))
    text = redacted(" ".join(_printable(line) for line in lines if line))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _printable(line: str) -> str:
    return line if line.isprintable() else "".join(filter(str.isprintable, line))
