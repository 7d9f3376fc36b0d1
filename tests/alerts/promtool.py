"""Cases as promtool's unit tests, in several variations, and promtool itself run over many files at once."""

import json
import math
import os
import re
import subprocess  # noqa: TID251 - promtool is a tool of the tests
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.alerts.case import SAME, Case, Expectation
from tests.alerts.rules import PREFIX
from tests.alerts.world import Ramp, Timeline, World, healthy
from tests.lab.program import find

FIRING = 'count by (alertname, severity) (ALERTS{alertstate="firing", alertname!="PgbackrestWatchdog"%s})'
OWN = ("job", "instance", "namespace", "pod", "container", "endpoint")


def _labels(series: str, target: dict[str, str]) -> str:
    name, *pairs = series.split()
    own = dict(pair.split("=", 1) for pair in pairs)
    if "instance" in own and "pod" in target:
        target = target | dict.fromkeys(("pod", "container", "endpoint"), own["instance"])
    labels = target | own
    prefix = "" if name.split("_")[0] in {"up", "alertmanager", "prometheus"} else "pgbackrest_"
    inner = ",".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in labels.items())
    return f"{prefix}{name}{{{inner}}}"


def page(world: World, now: float) -> str:
    """The world as it stands at its beginning, in the text format; *now* is then."""
    lines = []
    for series, timeline in world.items():
        value = _at(timeline, 0)
        name = series.split()[0]
        if value is not None and name != "up" and "job=" not in series:
            shift = now if name.endswith("_timestamp_seconds") else 0.0
            lines.append(f"{_labels(series, {})} {_number(value + shift)}\n")
    return "".join(lines)


def _at(timeline: Timeline, minute: float) -> float | None:
    begun = max((moment for moment in timeline if moment <= minute), default=None)
    value = None if begun is None else timeline[begun]
    if isinstance(value, Ramp):
        return value.start + value.per_minute * (minute - (begun or 0))
    return value


def _number(value: float) -> str:
    return ("+Inf" if value > 0 else "-Inf") if math.isinf(value) else f"{value:.12g}"


def _values(samples: Sequence[float | None]) -> str:
    """In promtool's notation; a sample that is missing after one is stale, as after a scrape that failed."""
    words: list[str] = []
    before: float | None = None
    index = 0
    while index < len(samples):
        value = samples[index]
        run = next((n for n in range(index, len(samples)) if samples[n] != value), len(samples)) - index
        if value is None:
            words += ["stale"] * (before is not None) + [f"_x{run - (before is not None)}"]
        elif math.isinf(value):
            words += [_number(value)] * run
        else:
            words.append(f"{_number(value)}x{run - 1}")
        before = value
        index += run
    return " ".join(word for word in words if word != "_x0")


def _missed(case: Case, gaps: Iterable[int]) -> set[int]:
    down = set(range(*case.down, case.step)) if case.down else set()
    return down | set(gaps)


def _series(
    case: Case, world: World, target: dict[str, str], missed: set[int], *, gone: bool = False
) -> Iterator[dict[str, str]]:
    """The series of one exporter; one that a change gives to another exporter is that one's."""
    minutes = range(0, max(case.expect) + case.step + 1, case.step)
    for series, timeline in world.items():
        elsewhere = "job=" in series or "instance=" in series
        samples = [_at(timeline, minute) for minute in minutes]
        if not elsewhere:
            lost = None if gone or series != "up" else 0.0
            samples = [lost if m in missed else value for m, value in zip(minutes, samples, strict=True)]
        if any(value is not None for value in samples):
            yield {"series": _labels(series, target), "values": _values(samples)}


def _firing(case: Case, words: str, only: str | None) -> list[dict[str, Any]]:
    found = []
    for word in words.split():
        name, _, times = word.partition("*")
        alert, slash, severity = name.rpartition("/")
        alert = alert if slash else case.alert
        if only in {None, alert}:
            labels = f'{{alertname="{PREFIX}{alert}", severity="{severity}"}}'
            found.append({"labels": labels, "value": int(times or 1)})
    return found


def _test(
    name: str, case: Case, series: Iterable[dict[str, str]], expect: Expectation, only: str | None
) -> dict[str, Any]:
    expression = FIRING % (f', alertname="{PREFIX}{only}"' if only else "")
    return {
        "name": name,
        "interval": f"{case.step}m",
        "input_series": list(series),
        "promql_expr_test": [
            {"expr": expression, "eval_time": f"{minute}m", "exp_samples": _firing(case, words, only)}
            for minute, words in expect.items()
        ],
    }


def _own(words: str) -> list[str]:
    return [word for word in words.split() if "/" not in word]


def peak(case: Case) -> int | None:
    """The first minute at which the alert itself fires most."""
    firing = [minute for minute, words in case.expect.items() if _own(words)]
    return max(firing, key=lambda minute: (len(case.expect[minute]), -minute), default=None)


def _gaps(case: Case) -> list[int]:
    """Two scrapes are missed before the fault and two while it fires, or one where scrapes are rare.

    Where nothing ever fires it is as many in a row as the look-back bridges.
    """
    most = peak(case)
    if most is None and case.step == 1:
        return list(range(20, 34))
    begin = min((m for timeline in case.changes.values() for m in timeline if m > 0), default=0)
    starts = [int(begin) - 4 * case.step, (20 if most is None else most + case.step)]
    length = 2 if case.step == 1 else 1
    return [start + n * case.step for start in starts for n in range(length) if start > 0]


def _expect_in_gap(case: Case) -> Expectation:
    """The expectation, and the same while scrapes are missed."""
    most = peak(case)
    if most is None:
        return case.expect | ({33: ""} if case.step == 1 else {})
    later = [minute for minute in case.expect if minute > most]
    if not later or _own(case.expect[later[0]]) != _own(case.expect[most]):
        return case.expect
    return case.expect | {minute: case.expect[most] for minute in _gaps(case) if most < minute < later[0]}


def _worlds(case: Case) -> tuple[World, World]:
    return healthy(), healthy() | case.changes


def only_of(alert: str, cases: Iterable[Case], metrics: set[str] | None = None) -> list[dict[str, Any]]:
    """Every variation of the cases, judged by this alert alone; only series that begin so are given."""
    tests: list[dict[str, Any]] = []
    for case in cases:
        well, ill = _worlds(case)
        if metrics is not None:
            well, ill = (
                {key: value for key, value in world.items() if any(key.startswith(each) for each in metrics)}
                for world in (well, ill)
            )
        tests += _variations(alert, case, well, ill)
    return tests


def together(alert: str, cases: Iterable[Case], metrics: set[str] | None = None) -> list[dict[str, Any]]:
    """The same in one test for each step, which is much quicker: every variation has jobs of its own."""
    if alert == "ExporterMissing":  # there must be no job at all
        return only_of(alert, cases, metrics)
    tests: dict[str, dict[str, Any]] = {}
    for number, test in enumerate(only_of(alert, cases, metrics)):
        one = tests.setdefault(
            test["interval"], test | {"name": alert, "input_series": [], "promql_expr_test": []}
        )
        for series in test["input_series"]:
            name = re.sub(r'\bjob="(\w+)"', rf'job="\1-{number}"', series["series"])
            one["input_series"].append(series | {"series": name})
        for check in test["promql_expr_test"]:
            expression = check["expr"].replace("})", f', job=~".*-{number}"}})')
            one["promql_expr_test"].append(check | {"expr": expression})
    return list(tests.values())


def _variations(alert: str, case: Case, well: World, ill: World) -> Iterator[dict[str, Any]]:
    a = {"job": "pgbackrest", "instance": "a", "pod": "a", "container": "a", "endpoint": "a"}
    b = {"job": "pgbackrest", "instance": "b", "pod": "b", "container": "b", "endpoint": "b"}
    down = _missed(case, ())

    def sick(target: dict[str, str]) -> list[dict[str, str]]:
        return list(_series(case, ill, target, down, gone=case.gone))

    def sound(target: dict[str, str]) -> list[dict[str, str]]:
        return list(_series(case, well, target, set()))

    title = f"{alert} {case.name}".strip()
    if case.gap:
        longer = replace(case, expect=_expect_in_gap(case))
        gaps = _series(longer, ill, a, _missed(case, _gaps(case)), gone=case.gone)
        yield _test(f"{title}, scrapes missed", case, gaps, longer.expect, alert)
    else:
        yield _test(title, case, sick(a), case.expect, alert)
    if case.other and not case.name:
        series = sick(a | {"namespace": "one"}) + sound(a | {"namespace": "two"})
        yield _test(f"{title}, a second namespace", case, series, case.expect, alert)
    if case.ha is not None:
        expect = case.expect if case.ha is SAME else case.ha
        yield _test(f"{title}, seen by two exporters", case, _distinct(sick(a) + sick(b)), expect, alert)
    if case.pair is not None:
        expect = case.expect if case.pair is SAME else case.pair
        yield _test(
            f"{title}, seen by one of two exporters", case, _distinct(sick(a) + sound(b)), expect, alert
        )


def _distinct(series: list[dict[str, str]]) -> list[dict[str, str]]:
    return list({each["series"]: each for each in series}.values())


def whole(cases: Iterable[Case]) -> list[dict[str, Any]]:
    """Each case as it stands, judged by all alerts there are."""
    target = {"job": "pgbackrest", "instance": "a"}
    return [
        _test(
            f"{case.alert} {case.name}".strip(),
            case,
            _series(case, healthy() | case.changes, target, _missed(case, ()), gone=case.gone),
            case.expect,
            None,
        )
        for case in cases
    ]


def document(rules: str, tests: list[dict[str, Any]]) -> str:
    """One file of unit tests, all of one step."""
    steps = {test["interval"] for test in tests}
    assert len(steps) == 1, "evaluation_interval is one for a file"
    return json.dumps(
        {"rule_files": [rules], "evaluation_interval": steps.pop(), "tests": tests}
    )  # JSON is YAML


def write(file: Path, rules: Path, tests: list[dict[str, Any]]) -> None:
    """Write such a file."""
    file.write_text(document(str(rules), tests))


def by_step(tests: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    steps: dict[str, list[dict[str, Any]]] = {}
    for test in tests:
        steps.setdefault(test["interval"], []).append(test)
    return steps


def run(files: Sequence[Path], within: float = 300) -> dict[Path, str]:
    """What promtool says of each file: "" when all its tests passed."""
    program = find("promtool", "apt-get install prometheus")
    done = subprocess.run(
        (program, "test", "rules", *map(str, files)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=within,
        env=dict(os.environ) | {"GOGC": "400", "GOMAXPROCS": "2"},  # it lives for a moment
    )
    parts = re.split(r"^Unit Testing:  (.*)$", done.stdout, flags=re.MULTILINE)
    found = {Path(file): words.strip() for file, words in zip(parts[1::2], parts[2::2], strict=True)}
    assert found.keys() == set(files), done.stdout
    return {file: "" if words == "SUCCESS" else words for file, words in found.items()}
