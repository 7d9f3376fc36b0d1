"""How the collectors fare: a table below, and at the top a line for each that fails."""

from collections.abc import Iterator
from html import escape

from exporter.human import span
from exporter.page.parts import badge, paragraph, row, words
from exporter.snapshot import Off, Reading, Snapshot
from exporter.verdict.scale import Verdict


def table(snapshot: Snapshot, now: float) -> str:
    """Return the table of all collectors, those that are off included."""
    rows = [_collector(name, reading, now) for name, reading in _readings(snapshot)]
    rows += [_off(off) for off in snapshot.off]
    return f"""<section>
<h2>Collectors</h2>
<table>
<thead><tr><th>Collector</th><th>Worked</th><th>Took</th><th>Failures</th><th>Last error</th></tr></thead>
<tbody>{"".join(rows)}</tbody>
</table>
</section>
"""


def _readings(snapshot: Snapshot) -> Iterator[tuple[str, Reading[object]]]:
    for name, readings in snapshot.readings().items():
        for stanza, reading in readings.items():
            yield f"{name} {stanza}".rstrip(), reading


def failing(snapshot: Snapshot, now: float) -> str:
    """Say for the top of the page that what stands below is old."""
    return "".join(_failing(name, reading, now) for name, reading in _readings(snapshot))


def _failing(name: str, reading: Reading[object], now: float) -> str:
    if reading.error is None or reading.succeeded is None:
        return ""
    kept = (
        "what it told last is shown"
        if reading.value is not None
        else "what it told last is too old to be shown"
    )
    return paragraph(
        f"{badge('critical')} The collector {escape(name)} fails, "
        f"it worked {span(now - reading.succeeded)} ago: {kept}.",
        "trouble",
    )


def _collector(name: str, reading: Reading[object], now: float) -> str:
    verdict: Verdict = "unknown" if reading.attempted is None else "ok" if reading.success else "critical"
    worked = "never" if reading.succeeded is None else f"{span(now - reading.succeeded)} ago"
    cells = (
        ("Collector", f"{badge(verdict)} {escape(name)}"),
        ("Worked", worked),
        ("Took", "" if reading.took is None else f"{reading.took:.2f} s"),
        ("Failures", str(reading.errors)),
        ("Last error", words(reading.error or "")),
    )
    return row(cells)


def _off(off: Off) -> str:
    name = escape(f"{off.collector} {off.stanza}".rstrip())
    return row(
        (
            ("Collector", name),
            ("Worked", "off"),
            ("Took", ""),
            ("Failures", ""),
            ("Last error", words(off.why)),
        )
    )
