"""pgBackRest's own words for an error: found in what it printed, put on one line, and without secrets."""

import re

LONGEST = 400
"""Characters of an error's words that are kept."""

# `ERROR: [055]: …` with nothing before it on stderr, with time and process on stdout and in logs.
_ERROR = re.compile(
    rb"^(?:\d{4}-\d\d-\d\d [\d:.]+ )?(?:P\d\d+ +)?(?:ERROR|ASSERT): \[(\d{3})\]: (.*(?:\n +\S.*)*)",
    re.MULTILINE,
)
_HINT = re.compile(r"\s*HINT: .*")
_SECRET = re.compile(
    r"(?i)((?:pass(?:word|phrase)?|secret|token|key|sas|sig(?:nature)?|credential)[\w-]*['\"]?\s*[=:]\s*)['\"]?[^\s'\",;&]+"
)
_USERINFO = re.compile(r"(?<=://)[^\s/@]+@")


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
    text = " ".join(_printable(line) for line in lines if line)
    text = _USERINFO.sub("<redacted>@", _SECRET.sub(r"\1<redacted>", text))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _printable(line: str) -> str:
    return line if line.isprintable() else "".join(filter(str.isprintable, line))
