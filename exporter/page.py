"""The status page: a snapshot as HTML that needs no JavaScript, reads on a phone and in the dark."""

from collections.abc import Iterable, Iterator
from html import escape
from importlib.resources import files

from exporter import __version__, wal
from exporter.human import line, moment, size, span
from exporter.model.info import Backup, Lock, Repository, Stanza
from exporter.snapshot import Off, Reading, Snapshot
from exporter.verdict import (
    Verdict,
    judge,
    judge_backups,
    judge_repository,
    newest_backups,
    worst,
    worst_first,
)

_SIGN = {"ok": "✓", "unknown": "?", "warning": "!", "critical": "✗"}
_LOUD = {"ok": "fine", "unknown": "not known", "warning": "to look at", "critical": "in danger"}

_STYLE = files("exporter").joinpath("page.css").read_text("utf-8")


def render(snapshot: Snapshot, *, now: float, telemetry_path: str) -> str:
    """Return the page as it stands at the time *now*, in seconds since the epoch."""
    stanzas = [(stanza, judge(stanza, snapshot, now)) for stanza in snapshot.stanzas]
    stanzas.sort(key=lambda judged: worst_first(judged[1]))
    shown = {stanza.name for stanza, _ in stanzas}
    unknown = [name for name in snapshot.expected.stanzas if name not in shown]
    verdicts = [verdict for _, verdict in stanzas]
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
{"".join(_failing(name, reading, now) for name, reading in _readings(snapshot))}
</header>
<main>
{_notes(snapshot)}
{"".join(_stanza(stanza, verdict, snapshot, now) for stanza, verdict in stanzas)}
{"".join(map(_unknown, unknown))}
{_collectors(snapshot, now)}
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


# --- blocks of the page ----------------------------------------------------------------------------------------


def _title(verdicts: list[Verdict]) -> str:
    return f"{_SIGN[worst(verdicts)]} pgBackRest: {len(verdicts)} stanza{'s' * (len(verdicts) != 1)}"


def _headline(snapshot: Snapshot, verdicts: list[Verdict]) -> str:
    if not snapshot.info or all(reading.attempted is None for reading in snapshot.info.values()):
        return f"{_badge('unknown')} pgBackRest has not been asked yet"
    if all(reading.value is None for reading in snapshot.info.values()):
        return f"{_badge('critical')} pgBackRest could not be asked"
    if not verdicts:
        return f"{_badge('critical')} There is no stanza"
    overall, total = worst(verdicts), len(verdicts)
    if overall == "ok":
        return f"{_badge('ok')} " + ("The stanza is fine" if total == 1 else f"All {total} stanzas are fine")
    count = sum(verdict == overall for verdict in verdicts)
    return f"{_badge(overall)} {count} of {total} stanza{'s' * (total != 1)} {_LOUD[overall]}"


def _stanza(stanza: Stanza, verdict: Verdict, snapshot: Snapshot, now: float) -> str:
    status = "It is expected, and pgBackRest does not list it." if stanza.status is None else ""
    if stanza.status is not None and not stanza.status.ok and not _told_below(stanza):
        status = f"pgBackRest says: {_words(stanza.status.message)} (code {stanza.status.code})."
    unexpected = snapshot.expected.stanzas and stanza.name not in snapshot.expected.stanzas
    note = ' <small class="quiet">not among the expected stanzas</small>' if unexpected else ""
    return f"""<section class="{verdict}">
<h2>{_badge(verdict)} {escape(stanza.name)}{note}</h2>
{_paragraph(status)}
{"".join(_running(lock) for lock in stanza.locks if lock.held)}
{"".join(_repo(stanza, repo, snapshot, now) for repo in stanza.repos)}
</section>
"""


def _told_below(stanza: Stanza) -> bool:
    """Whether a repository says the same, so that it need not be said twice."""
    return stanza.status is not None and any(stanza.status.code == repo.status.code for repo in stanza.repos)


def _unknown(name: str) -> str:
    return f"""<section>
<h2>{_badge("unknown")} {escape(name)}</h2>
<p>Nothing is known of it: its collector has not worked yet, or not for too long.</p>
</section>
"""


def _repo(stanza: Stanza, repo: Repository, snapshot: Snapshot, now: float) -> str:
    verdict = judge_repository(stanza, repo, snapshot, now)
    kind = snapshot.expected.type_of(stanza.name, repo.key)
    facts = [kind, "encrypted" if repo.cipher not in {"none", ""} else "not encrypted"]
    trouble = "" if repo.status.ok else f"{_words(repo.status.message)} (code {repo.status.code})"
    return f"""<article>
<h3>{_badge(verdict)} repo{repo.key} <small class="quiet">{escape(", ".join(filter(None, facts)))}</small></h3>
{_paragraph(trouble, "trouble")}
{_backups(stanza, repo, snapshot, now)}
<p class="quiet">{"<br>".join(_archive(stanza, repo))}</p>
</article>
"""


def _backups(stanza: Stanza, repo: Repository, snapshot: Snapshot, now: float) -> str:
    newest = newest_backups(stanza, repo.key)
    if not newest:
        return _paragraph("No backup of the current database.") if repo.status.ok else ""
    verdicts, history = judge_backups(stanza, repo.key, snapshot, now), stanza.backups.of(repo.key)
    rows = [
        _backup(backup, verdicts[type_], history.count(backup.type), now) for type_, backup in newest.items()
    ]
    return f"""<table>
<thead><tr><th>Newest</th><th>Finished</th><th>Took</th><th>Database</th><th>Copied</th><th>Stored</th><th>Kept</th></tr></thead>
<tbody>{"".join(rows)}</tbody>
</table>
"""


def _backup(backup: Backup, verdict: Verdict, kept: int, now: float) -> str:
    error = ' <strong class="bad">damaged pages</strong>' if backup.error else ""
    late = f' <strong class="bad">{"too old" if verdict == "critical" else "old"}</strong>' * (
        verdict != "ok"
    )
    cells = (
        ("Newest", f'<span title="{escape(backup.label)}">{backup.type}</span>{error}'),
        ("Finished", f'<time title="{moment(backup.stop)}">{span(now - backup.stop)} ago</time>{late}'),
        ("Took", span(backup.duration)),
        ("Database", size(backup.size)),
        ("Copied", size(backup.delta)),
        ("Stored", size(backup.repo_delta)),
        ("Kept", str(kept)),
    )
    return _row(cells)


def _archive(stanza: Stanza, repo: Repository) -> Iterator[str]:
    history = stanza.backups.of(repo.key).backups
    if history:
        yield f"Backups reach back to {moment(history[0].stop)}."
    for archive in stanza.current_archives():
        if archive.repo != repo.key:
            continue
        newest = wal.parse(archive.newest or "")
        if newest is None:
            yield "No WAL is archived."
        else:
            oldest = escape(archive.oldest or "")
            yield (
                f"WAL archived from {oldest} to {escape(archive.newest or '')} (timeline {newest.timeline}); "
                "gaps in between are not looked for."
            )


def _running(lock: Lock) -> str:
    parts = [f"<p>A {lock.command} is running." if not lock.progress else "<p>"]
    for progress in lock.progress:
        where = "" if progress.repo is None else f" to repo{progress.repo}"
        parts.append(
            f"A {lock.command}{where} is running: {size(progress.done)} of {size(progress.size)} "
            f'<progress max="{max(progress.size, 1)}" value="{progress.done}"></progress> '
        )
    return "".join(parts) + "</p>"


def _notes(snapshot: Snapshot) -> str:
    notes = []
    if snapshot.expected.error:
        known = (
            "What it told before holds"
            if snapshot.expected.stanzas
            else "Which stanzas must exist is not known"
        )
        notes.append(f"pgbackrest.conf cannot be read. {known}: {_words(snapshot.expected.error)}")
    elif not snapshot.expected.stanzas:
        notes.append(
            "No stanza is expected: a vanished one would not be noticed. List them under stanzas: in the settings."
        )
    if snapshot.reload.error:
        notes.append(f"The settings in force are older than their file: {_words(snapshot.reload.error)}")
    notes += [
        f"Left out: {_words(line)}"
        for reading in snapshot.info.values()
        for line in (reading.value.skipped if reading.value else ())[:10]
    ]
    return f'<section class="warning">{"".join(map(_paragraph, notes))}</section>' if notes else ""


def _collectors(snapshot: Snapshot, now: float) -> str:
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


def _failing(name: str, reading: Reading[object], now: float) -> str:
    """Say at the top that what stands below is old."""
    if reading.error is None or reading.succeeded is None:
        return ""
    kept = (
        "what it told last is shown"
        if reading.value is not None
        else "what it told last is too old to be shown"
    )
    return _paragraph(
        f"{_badge('critical')} The collector {escape(name)} fails, "
        f"it worked {span(now - reading.succeeded)} ago: {kept}.",
        "trouble",
    )


def _collector(name: str, reading: Reading[object], now: float) -> str:
    verdict: Verdict = "unknown" if reading.attempted is None else "ok" if reading.success else "critical"
    worked = "never" if reading.succeeded is None else f"{span(now - reading.succeeded)} ago"
    cells = (
        ("Collector", f"{_badge(verdict)} {escape(name)}"),
        ("Worked", worked),
        ("Took", "" if reading.took is None else f"{reading.took:.2f} s"),
        ("Failures", str(reading.errors)),
        ("Last error", _words(reading.error or "")),
    )
    return _row(cells)


def _off(off: Off) -> str:
    name = escape(f"{off.collector} {off.stanza}".rstrip())
    return _row(
        (
            ("Collector", name),
            ("Worked", "off"),
            ("Took", ""),
            ("Failures", ""),
            ("Last error", _words(off.why)),
        )
    )


# --- words -----------------------------------------------------------------------------------------------------


def _badge(verdict: Verdict) -> str:
    return f'<span class="badge {verdict}" role="img" aria-label="{_LOUD[verdict]}">{_SIGN[verdict]}</span>'


def _row(cells: Iterable[tuple[str, str]]) -> str:
    return "<tr>" + "".join(f'<td data-label="{name}">{value}</td>' for name, value in cells) + "</tr>"


def _paragraph(words: str, class_: str = "") -> str:
    return f"<p{f' class={class_}' if class_ else ''}>{words}</p>" if words else ""


def _words(text: str) -> str:
    return escape(line(text))


def _version(snapshot: Snapshot) -> str:
    source = snapshot.info.get("")
    return escape((source.value.version if source and source.value else None) or "of unknown version")
