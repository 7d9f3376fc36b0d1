"""The block of a stanza's restore tests: the last runs, failed ones for longer, and what the newest of these said."""

from collections import Counter
from collections.abc import Iterable, Mapping
from html import escape

from exporter.human import moment, size, span
from exporter.model.restore_tests import CHECKS, Check, Record, RestoreTests
from exporter.page.parts import badge, paragraph, row, words
from exporter.snapshot import Snapshot
from exporter.verdict.scale import Verdict

_SHOWN = 5
_EARLIER = 3  # further ones that did not prove the backup
_HEADS = "".join(
    f"<th>{name}</th>" for name in ("Started", "Result", "Backup", "Recovered to", "Took", "Restored")
)
_RESULT: Mapping[str, tuple[Verdict, str]] = {
    "proven": ("ok", "proven"),
    "not_proven": ("critical", "not proven"),
    "could_not_try": ("warning", "could not be tried"),
    "polluted": ("critical", "left something in the repository"),
}
_STATE: Mapping[str, tuple[Verdict, str]] = {
    "ok": ("ok", ""), "failed": ("critical", "Not true: "), "skipped": ("unknown", "Not checked: ")
}  # fmt: skip


def block(stanza: str, snapshot: Snapshot, now: float) -> str:
    """Return the block of *stanza*, or nothing where restore tests are off."""
    known = [reading.value for reading in snapshot.restore_tests.values() if reading.value is not None]
    if not known:
        return ""
    runs = [record for value in known for record in value.history if record.stanza == stanza]
    if not runs:
        return paragraph("No restore test is on record: pgbackrest-exporter restore-test makes one.", "quiet")
    earlier = [record for record in runs[_SHOWN:] if record.result != "proven"][:_EARLIER]
    rows = "".join(_run(record, now) for record in (*runs[:_SHOWN], *earlier))
    return f"""<article class="tests">
<h3>Restore tests{" <small>one is running</small>" if _running(stanza, known) else ""}</h3>
<table>
<thead><tr>{_HEADS}</tr></thead>
<tbody>{rows}</tbody>
</table>
{_checks(runs[0])}
{"".join(_tail(stanza, value) for value in known)}
</article>
"""


def _running(stanza: str, known: list[RestoreTests]) -> bool:
    return any(one.running for value in known for one in value.running if one.stanza == stanza)


def _run(record: Record, now: float) -> str:
    verdict, result = _RESULT[record.result]
    of = f"{record.backup_type or 'any'} from " + ("–" if record.repo is None else f"repo{record.repo}")
    return row(
        (
            ("Started", f'<time title="{moment(record.started)}">{span(now - record.started)} ago</time>'),
            ("Result", f"{badge(verdict)} {result}{_why(record)}"),
            (
                "Backup",
                f'<span title="{escape(record.backup or "none was chosen")}">{of}, {record.target}</span>',
            ),
            ("Recovered to", "–" if record.recovered_to is None else moment(record.recovered_to)),
            ("Took", f'<span title="{_phases(record)}">{span(record.ended - record.started)}</span>'),
            ("Restored", size(record.restored_bytes)),
        )
    )


def _why(record: Record) -> str:
    return "" if record.result == "proven" else f" <small>{words(record.words)}</small>"


def _phases(record: Record) -> str:
    return ", ".join(f"{escape(phase)} {seconds:.1f} s" for phase, seconds in record.phases.items())


def _checks(record: Record) -> str:
    """Return what failed in the last run in the open, and every check of it to be unfolded."""
    counted = Counter(check.state for check in record.checks)
    counts = f"{counted['ok']} good, {counted['failed']} failed, {counted['skipped']} skipped"
    failed = _listed(check for check in record.checks if check.state == "failed")
    every = f"<summary>Checks of the last: {counts}</summary>{_listed(record.checks)}"
    return f"{failed}<details>{every}</details>"


def _listed(checks: Iterable[Check]) -> str:
    items = "".join(f"<li>{_check(check)}</li>" for check in checks)
    return f'<ul class="findings">{items}</ul>' if items else ""


def _check(check: Check) -> str:
    verdict, truth = _STATE[check.state]
    told = "; ".join(words(text) for text in (check.value, check.words) if text)
    meaning = escape(CHECKS.get(check.name, check.name))
    return f"{badge(verdict)} {truth}{meaning}{f' – {told}' if told else ''}"


def _tail(stanza: str, known: RestoreTests) -> str:
    lines = known.tails.get(stanza, ())
    if not lines:
        return ""
    text = "\n".join(words(line) for line in lines)
    return f"<details><summary>The end of the last failed test's log</summary><pre>{text}</pre></details>"
