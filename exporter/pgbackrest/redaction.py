"""Takes secrets out of what pgBackRest says, before it is shown, logged or kept."""

import os
import re
from typing import Final

# Options and fields of a request, `name=value` or `name: value`, whatever stands before and after in the name.
_NAMED: Final = re.compile(
    r"(?i)((?:pass(?:word|phrase)?|secret|token|key|sas|sig(?:nature)?|credential)[\w-]*['\"]?\s*[=:]\s*)['\"]?[^\s'\",;&]+"
)
_USERINFO: Final = re.compile(r"(?<=://)[^\s/@]+@")
# pgBackRest quotes a line of pgbackrest.conf that it does not understand: it may hold a secret.
_QUOTED: Final = re.compile(r"( at line \d+): (?!\[).*")
_VARIABLE: Final = re.compile(r"PGBACKREST_.*(PASS|KEY|SECRET|TOKEN)")


def redacted(text: str) -> str:
    """Return one line without values that are named as secrets, and without those of our environment."""
    for name, value in os.environ.items():
        if len(value) > 3 and _VARIABLE.match(name) and not name.endswith(("_FILE", "_TYPE", "_PATH")):
            text = text.replace(value, "<redacted>")
    text = _USERINFO.sub("<redacted>@", _NAMED.sub(r"\1<redacted>", text))
    return _QUOTED.sub(r"\1", text)
