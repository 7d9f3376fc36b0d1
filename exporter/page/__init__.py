"""The status page: a snapshot as HTML that needs no JavaScript, reads on a phone and in the dark."""

from html import escape
from importlib.resources import files

from exporter import __version__
from exporter.human import moment
from exporter.page import collectors, stanza
from exporter.page.parts import LOUD, badge, paragraph, words
from exporter.snapshot import Snapshot
from exporter.verdict.scale import SIGN, Verdict, worst, worst_first
from exporter.verdict.stanza import judge

_STYLE = files("exporter.page").joinpath("page.css").read_text("utf-8")


def render(snapshot: Snapshot, *, now: float, telemetry_path: str) -> str:
    """Return the page as it stands at the time *now*, in seconds since the epoch."""
    judged = [(one, judge(one, snapshot, now)) for one in snapshot.stanzas]
    judged.sort(key=lambda pair: worst_first(pair[1]))
    shown = {one.name for one, _ in judged}
    unknown = [name for name in snapshot.expected.stanzas if name not in shown]
    verdicts = [verdict for _, verdict in judged]
    verdicts += ["unknown"] * len(unknown)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="30">
<title>{_title(verdicts)}</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>{_headline(snapshot, verdicts)}</h1>
<p class="quiet">pgBackRest {_version(snapshot)} · as of {moment(now)}</p>
{collectors.failing(snapshot, now)}
</header>
<main>
{_notes(snapshot)}
{"".join(stanza.section(one, verdict, snapshot, now) for one, verdict in judged)}
{"".join(map(stanza.unknown, unknown))}
{collectors.table(snapshot, now)}
</main>
<footer>
<nav>
<a href="{escape(telemetry_path)}">Metrics</a>
<a href="/-/healthy">Health</a>
<a href="/-/ready">Readiness</a>
</nav>
<p class="quiet">pgbackrest-exporter {__version__}</p>
</footer>
</body>
</html>
"""


def _title(verdicts: list[Verdict]) -> str:
    return f"{SIGN[worst(verdicts)]} pgBackRest: {len(verdicts)} stanza{'s' * (len(verdicts) != 1)}"


def _headline(snapshot: Snapshot, verdicts: list[Verdict]) -> str:
    if not snapshot.info or all(reading.attempted is None for reading in snapshot.info.values()):
        return f"{badge('unknown')} pgBackRest has not been asked yet"
    if all(reading.value is None for reading in snapshot.info.values()):
        return f"{badge('critical')} pgBackRest could not be asked"
    if not verdicts:
        return f"{badge('critical')} There is no stanza"
    overall, total = worst(verdicts), len(verdicts)
    if overall == "ok":
        return f"{badge('ok')} " + ("The stanza is fine" if total == 1 else f"All {total} stanzas are fine")
    count = sum(verdict == overall for verdict in verdicts)
    return f"{badge(overall)} {count} of {total} stanza{'s' * (total != 1)} {LOUD[overall]}"


def _notes(snapshot: Snapshot) -> str:
    notes = []
    if snapshot.expected.error:
        known = (
            "What it told before holds"
            if snapshot.expected.stanzas
            else "Which stanzas must exist is not known"
        )
        notes.append(f"pgbackrest.conf cannot be read. {known}: {words(snapshot.expected.error)}")
    elif not snapshot.expected.stanzas:
        notes.append(
            "No stanza is expected: a vanished one would not be noticed. List them under stanzas: in the settings."
        )
    if snapshot.reload.error:
        notes.append(f"The settings in force are older than their file: {words(snapshot.reload.error)}")
    notes += [
        f"Left out: {words(line)}"
        for reading in snapshot.info.values()
        for line in (reading.value.skipped if reading.value else ())[:10]
    ]
    notes += [
        f"Not seen: {words(line)}"
        for reading in snapshot.runs.values()
        for line in (reading.value.troubles if reading.value else ())[:10]
    ]
    return f'<section class="warning">{"".join(map(paragraph, notes))}</section>' if notes else ""


def _version(snapshot: Snapshot) -> str:
    source = snapshot.info.get("")
    return escape((source.value.version if source and source.value else None) or "of unknown version")
