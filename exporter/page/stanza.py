"""The section of one stanza."""

from html import escape

from exporter.human import size
from exporter.model.info import Lock, Stanza
from exporter.page import repository, restore_tests
from exporter.page.parts import badge, listed, paragraph, words
from exporter.snapshot import Snapshot
from exporter.verdict.recovery import sentences
from exporter.verdict.scale import Verdict
from exporter.verdict.stanza import findings


def section(stanza: Stanza, verdict: Verdict, snapshot: Snapshot, now: float) -> str:
    """Return the section of *stanza*, judged as *verdict*, at the time *now*."""
    status = ""
    if stanza.status is not None and not stanza.status.ok and not _told_below(stanza):
        status = f"pgBackRest says: {words(stanza.status.message)} (code {stanza.status.code})."
    unexpected = snapshot.expected.stanzas and stanza.name not in snapshot.expected.stanzas
    note = ' <small class="quiet">not among the expected stanzas</small>' if unexpected else ""
    return f"""<section class="{verdict}">
<h2>{badge(verdict)} {escape(stanza.name)}{note}</h2>
{paragraph(words(" ".join(sentences(stanza, snapshot, now))), "lead")}
{paragraph(status)}
{listed(findings(stanza.name, snapshot, now))}
{_cluster(stanza.name, snapshot)}
{"".join(_running(lock) for lock in stanza.locks if lock.held)}
{"".join(repository.block(stanza, repo, snapshot, now) for repo in stanza.repos)}
{restore_tests.block(stanza.name, snapshot, now)}
</section>
"""


def _cluster(stanza: str, snapshot: Snapshot) -> str:
    reading = snapshot.patroni.get(stanza)
    if reading is None or reading.value is None or not reading.value.topology.members:
        return ""
    topology = reading.value.topology
    others = [member for member in topology.members if member.name != topology.leader]
    leader = f"{topology.leader} leads" if topology.leader else "nobody leads"
    timeline = "" if topology.timeline is None else f" on timeline {topology.timeline}"
    members = "".join(
        f", {member.name} is {member.role.replace('_', ' ')} ({member.state})" for member in others
    )
    return paragraph(words(f"Patroni: {leader}{timeline}{members}."), "quiet")


def _told_below(stanza: Stanza) -> bool:
    """Whether a repository says the same, so that it need not be said twice."""
    return stanza.status is not None and any(stanza.status.code == repo.status.code for repo in stanza.repos)


def unknown(name: str) -> str:
    """Return the section of a stanza that should be there and of which nothing is known."""
    return f"""<section>
<h2>{badge("unknown")} {escape(name)}</h2>
<p>Nothing is known of it: its collector has not worked yet, or not for too long.</p>
</section>
"""


def _running(lock: Lock) -> str:
    parts = [f"<p>A {lock.command} is running." if not lock.progress else "<p>"]
    for progress in lock.progress:
        where = "" if progress.repo is None else f" to repo{progress.repo}"
        parts.append(
            f"A {lock.command}{where} is running: {size(progress.done)} of {size(progress.size)} "
            f'<progress max="{max(progress.size, 1)}" value="{progress.done}"></progress> '
        )
    return "".join(parts) + "</p>"
