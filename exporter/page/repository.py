"""The block of one repository of a stanza: its newest backups and its archive."""

from collections.abc import Iterator
from html import escape

from exporter import wal
from exporter.human import moment, size, span
from exporter.model.info import Archive, Backup, Repository, Stanza
from exporter.model.repository import Outlook
from exporter.page.parts import badge, listed, paragraph, row, words
from exporter.snapshot import Snapshot
from exporter.verdict.backups import judge_backups, newest_backups
from exporter.verdict.scale import Verdict
from exporter.verdict.stanza import judge_repository, repository_findings
from exporter.wal.outlook import outlooks


def block(stanza: Stanza, repo: Repository, snapshot: Snapshot, now: float) -> str:
    """Return the block of *repo* at the time *now*."""
    verdict = judge_repository(stanza, repo, snapshot, now)
    kind = snapshot.expected.type_of(stanza.name, repo.key)
    facts = [kind, "encrypted" if repo.cipher not in {"none", ""} else "not encrypted"]
    trouble = "" if repo.status.ok else f"{words(repo.status.message)} (code {repo.status.code})"
    return f"""<article>
<h3>{badge(verdict)} repo{repo.key} <small class="quiet">{escape(", ".join(filter(None, facts)))}</small></h3>
{paragraph(trouble, "trouble")}
{listed(repository_findings(stanza.name, repo.key, snapshot, now))}
{_backups(stanza, repo, snapshot, now)}
<p class="quiet">{"<br>".join(_archive(stanza, repo, snapshot))}</p>
</article>
"""


def _backups(stanza: Stanza, repo: Repository, snapshot: Snapshot, now: float) -> str:
    newest = newest_backups(stanza, repo.key)
    if not newest:
        return paragraph("No backup of the current database.") if repo.status.ok else ""
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
    return row(cells)


def _archive(stanza: Stanza, repo: Repository, snapshot: Snapshot) -> Iterator[str]:
    history = stanza.backups.of(repo.key).backups
    if history:
        yield f"Backups reach back to {moment(history[0].stop)}."
    outlook = next((one for one in outlooks(snapshot) if _is(one, stanza, repo)), None)
    for archive in stanza.current_archives():
        if archive.repo == repo.key:
            yield _wal(archive, outlook)
    if outlook is not None:
        yield from _room(outlook)


def _is(outlook: Outlook, stanza: Stanza, repo: Repository) -> bool:
    return (outlook.held.stanza, outlook.held.repo) == (stanza.name, repo.key)


def _wal(archive: Archive, outlook: Outlook | None) -> str:
    newest = wal.parse(archive.newest or "")
    if newest is None:
        return "No WAL is archived."
    names = f"{escape(archive.oldest or '')} to {escape(archive.newest or '')}"
    span_ = f"WAL from {names} (timeline {newest.timeline})"
    if outlook is None or outlook.recovery.missing_newest is None:
        return f"{span_}; gaps in between are not looked for."
    whole = not outlook.recovery.missing_newest and not outlook.recovery.missing_older
    return f"{span_}, {'without a gap in what recovery needs' if whole else 'with gaps'}."


def _room(outlook: Outlook) -> Iterator[str]:
    yield f"It holds {size(outlook.backup_size)} of backups and {size(outlook.held.archive_size)} of WAL."
    if capacity := outlook.capacity:
        yield f"{size(capacity.available)} of {size(capacity.size)} are free."
