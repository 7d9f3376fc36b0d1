"""The smallest parts of the page: badges, rows, paragraphs, words. All words are escaped where they come in."""

from collections.abc import Iterable
from html import escape

from exporter.human import line
from exporter.verdict.scale import SIGN, Finding, Verdict, worst_first

LOUD = {"ok": "fine", "unknown": "not known", "warning": "to look at", "critical": "in danger"}


def badge(verdict: Verdict) -> str:
    """Return a sign for *verdict* that is read aloud in words."""
    return f'<span class="badge {verdict}" role="img" aria-label="{LOUD[verdict]}">{SIGN[verdict]}</span>'


def row(cells: Iterable[tuple[str, str]]) -> str:
    """Return a table row of names and values; on a phone the names are shown too."""
    return "<tr>" + "".join(f'<td data-label="{name}">{value}</td>' for name, value in cells) + "</tr>"


def paragraph(html: str, class_: str = "") -> str:
    """Return a paragraph, or nothing where there is nothing to say."""
    return f"<p{f' class={class_}' if class_ else ''}>{html}</p>" if html else ""


def words(text: str) -> str:
    """Return other programs' words, fit to be shown."""
    return escape(line(text))


def listed(findings: Iterable[Finding]) -> str:
    """Return findings as a list, the worst first; nothing where there are none."""
    ranked = sorted(findings, key=lambda finding: worst_first(finding.verdict))
    items = "".join(f"<li>{badge(one.verdict)} {words(one.words)}</li>" for one in ranked)
    return f'<ul class="findings">{items}</ul>' if items else ""
