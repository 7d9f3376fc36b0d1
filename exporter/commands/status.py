"""`pgbackrest-exporter status`: whether each database can be recovered, for a terminal, a script, or Nagios."""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from exporter import human, logs
from exporter.once import read_once
from exporter.settings.file import SettingsError, load
from exporter.snapshot import Snapshot
from exporter.verdict.recovery import sentences
from exporter.verdict.scale import SIGN, Finding, Verdict, worst, worst_first
from exporter.verdict.stanza import findings, judge, repository_findings

_DESCRIPTION = """\
Reads every source once and says of each stanza whether it can be recovered, to which moments, and what is amiss:
the words of the status page, by the thresholds in force.
"""

_EPILOG = """\
exit codes, as Nagios, Icinga and others understand them: 0 all is fine, 1 something is to be looked at,
2 something is in danger, 3 not known, or bad flags or settings.
"""

_CODES: Mapping[Verdict, int] = {"ok": 0, "warning": 1, "critical": 2, "unknown": 3}
_COLOURS: Mapping[Verdict, str] = {"ok": "32", "warning": "33", "critical": "31", "unknown": "36"}
_NAGIOS: Mapping[Verdict, str] = {
    "ok": "OK", "warning": "WARNING", "critical": "CRITICAL", "unknown": "UNKNOWN",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """One stanza, or the sources themselves: what was found, and the verdict."""

    name: str
    verdict: Verdict
    words: str
    findings: tuple[Finding, ...]


def main(argv: Sequence[str]) -> int:
    """Run it and return the exit code."""
    args = _parser().parse_args(argv)
    logs.set_up(args.log_level, "logfmt")
    try:
        settings = load(args.config_file)
    except SettingsError as error:
        for problem in error.problems:
            print(f"pgbackrest-exporter status: {problem}", file=sys.stderr)
        return 3
    snapshot = asyncio.run(read_once(settings))
    judged = sorted(_judged(snapshot, time.time()), key=lambda one: (worst_first(one.verdict), one.name))
    if args.form == "json":
        print(json.dumps([asdict(one) for one in judged], indent=2, ensure_ascii=False))
    elif args.form == "nagios":
        print(_nagios(judged))
    else:
        colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        print("\n".join(_lines(judged, colours)))
    return _CODES[worst(one.verdict for one in judged)]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(3, f"{self.prog}: {message}: see --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="pgbackrest-exporter status",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--config.file", type=Path, metavar="FILE", dest="config_file", help="settings, YAML")
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--json", action="store_const", const="json", dest="form", help="print a list of objects"
    )
    form.add_argument("--nagios", action="store_const", const="nagios", dest="form", help="print one line")
    add("--log.level", choices=logs.LEVELS, default="error", dest="log_level", help="default: error")
    return parser


def _judged(snapshot: Snapshot, now: float) -> Iterator[Judged]:
    for stanza in snapshot.stanzas:
        found = [*findings(stanza.name, snapshot, now)]
        for repo in stanza.repos:
            if not repo.status.ok:
                found.append(Finding("critical", f"repo{repo.key}: {human.line(repo.status.message)}"))
            found += [
                Finding(one.verdict, f"repo{repo.key}: {one.words}")
                for one in repository_findings(stanza.name, repo.key, snapshot, now)
            ]
        words = " ".join(sentences(stanza, snapshot, now))
        ranked = sorted(found, key=lambda finding: worst_first(finding.verdict))
        yield Judged(stanza.name, judge(stanza, snapshot, now), words, tuple(ranked))
    shown = {stanza.name for stanza in snapshot.stanzas}
    for name in snapshot.expected.stanzas:
        if name not in shown:
            yield Judged(name, "unknown", "Nothing is known of it.", ())
    failed = tuple(_failed(snapshot))
    if failed or not (shown or snapshot.expected.stanzas):
        words = "Some sources cannot be read." if failed else "There is no stanza."
        yield Judged("pgbackrest-exporter", "unknown", words, failed)


def _failed(snapshot: Snapshot) -> Iterator[Finding]:
    for name, readings in snapshot.readings().items():
        for stanza, reading in readings.items():
            if reading.error is not None:
                yield Finding("unknown", f"{name} {stanza}".rstrip() + f": {human.line(reading.error)}")


def _lines(judged: Sequence[Judged], colours: bool) -> Iterator[str]:
    for one in judged:
        yield f"{_sign(one.verdict, colours)} {one.name}: {one.words}"
        yield from (f"    {_sign(finding.verdict, colours)} {finding.words}" for finding in one.findings)


def _sign(verdict: Verdict, colours: bool) -> str:
    sign = SIGN[verdict]
    return f"\x1b[{_COLOURS[verdict]}m{sign}\x1b[0m" if colours else sign


def _nagios(judged: Sequence[Judged]) -> str:
    """Write one line: the verdict, the worst stanzas with their first reason, and how many there are of each."""
    overall = worst(one.verdict for one in judged)
    bad = [one for one in judged if one.verdict != "ok"]
    told = [f"{one.name}: {one.findings[0].words if one.findings else one.words}" for one in bad[:3]]
    words = "; ".join(told) or f"{human.number_of(len(judged), 'stanza', 'stanzas')} can be recovered"
    counts = " ".join(f"{name}={sum(one.verdict == name for one in judged)}" for name in _CODES)
    return f"PGBACKREST {_NAGIOS[overall]} - {words.replace('|', '/')} | {counts}"
