"""Takes out of stderr what PostgreSQL's programs tell there with `--progress`, and passes on what else they say."""

import re
from dataclasses import dataclass, field
from typing import Final

from exporter.restore.findings import Reporter

# progress_report in pg_amcheck.c (14 and later) and pg_checksums.c (12 and later), once a second.
PG_AMCHECK: Final = re.compile(rb" *\d+/\d+ relations \(\d+%\), +(\d{1,15})/(\d{1,15}) pages ")
PG_CHECKSUMS: Final = re.compile(rb" *(\d{1,15})/(\d{1,15}) MB ")

# At a terminal they end a line by a carriage return.
_END: Final = re.compile(rb"[\r\n]+")
_LONGEST: Final = 1 << 10


@dataclass(slots=True)
class Sieve:
    """Is handed stderr piece by piece. Lines of the *form* count in *size* bytes of *unit*."""

    report: Reporter
    form: re.Pattern[bytes]
    size: int
    unit: str
    _begun: bytes = field(default=b"", init=False)

    def __call__(self, piece: bytes) -> bytes:
        """Tell how far it is, and return the other lines; b"" is the end."""
        *lines, rest = _END.split(self._begun + piece)
        if not piece or len(rest) > _LONGEST:
            lines, rest = [*lines, rest], b""
        self._begun = rest
        return b"".join(line + b"\n" for line in lines if line and not self._told(line))

    def _told(self, line: bytes) -> bool:
        found = self.form.match(line)
        if found and (total := int(found[2])):
            self.report.progress(int(found[1]) * self.size, total * self.size, self.unit)
        return found is not None
