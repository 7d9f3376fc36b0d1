"""Everything that is made of what was read: both metric formats, the compatible ones, the page."""

import re

from exporter import page
from exporter.exposition import Block
from exporter.metrics import GROUPS, compat
from exporter.settings import Settings
from exporter.snapshot import Expectation, Reading, Reload, Snapshot
from exporter.table import Renderer
from tests.unit.rendering import rendered

# What a parser of the text formats takes for a sample or a comment; every line has to be one.
_LINE = re.compile(
    r"#.*|[a-zA-Z_:][a-zA-Z0-9_:]*"
    r'(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (?:[-+]?[0-9.eE+-]+|[-+]Inf|NaN)'
)
_LINES = re.compile(rf"(?:(?:{_LINE.pattern})\n)*")
_NOW = 1_795_340_000.0


def snapshot(**values: object) -> Snapshot:
    """Return a snapshot in which each of *values* was read just now, by its collector."""
    readings = {
        name: {"": Reading(value=value, attempted=_NOW, succeeded=_NOW, took=0.1)}
        for name, value in values.items()
    }
    return Snapshot(
        settings=Settings(),
        expected=Expectation(stanzas=("demo", "main")),
        reload=Reload(_NOW),
        **readings,  # type: ignore[arg-type]
    )


def show(known: Snapshot) -> list[str]:
    """Make all of it, and see that each line is one; return the texts."""
    texts = [page.render(known, now=_NOW, telemetry_path="/metrics")]
    texts[0].encode()
    for groups, accept in ((GROUPS, "application/openmetrics-text"), (compat.GROUPS, "text/plain")):
        body = rendered(Renderer(groups), known).body(accept, gzip=False, now=_NOW, own=_none)
        texts.append(b"".join(body.pieces).decode())
        if not _LINES.fullmatch(texts[-1]):
            wrong = next(line for line in texts[-1].splitlines() if not _LINE.fullmatch(line))
            raise AssertionError(f"no line of an exposition: {wrong!r}")
    return texts


def _none(_: object) -> Block:
    return Block.of(b"")
