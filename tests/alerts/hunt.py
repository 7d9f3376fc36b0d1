"""Which mutants the cases notice: `python -m tests.alerts.hunt [ALERT …]`.

All mutants of an alert are rules of one file, so that its cases are loaded once and not once for each.
"""

import json
import re
import sys
import tempfile
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.alerts import promtool
from tests.alerts.case import Case
from tests.alerts.cases import cases_of
from tests.alerts.mutants import EVERY, Mutant, mutants
from tests.alerts.rules import PREFIX, Rule, of, rules
from tests.alerts.survivors import WHY

_QUERY = 'count by (alertname) (ALERTS{alertstate="firing", severity="%s", job=~"%s", check!="%d"})'
_NOTHING = [{"labels": '{alertname="nobody"}', "value": 1}]
"""Expected of every query, so that promtool prints what there is instead."""

_GOT = re.compile(r'check!=\\"(\d+)\\".*?\n\s+exp:.*?\n\s+got:(.*)')
_SAMPLE = re.compile(r'\{alertname="(\w+)"\} ([^\s,]+)')
_BROKEN = re.compile(r"rule: (\w+), time: .*?, err: ")


class Check(NamedTuple):
    """How many alerts of a severity fire at one moment of one variation of a case."""

    severity: str
    expected: int


def _metrics(alert: str) -> set[str]:
    """How the series that the alert reads begin in the world."""
    text = "".join(rule["expr"] for rule in of(alert))
    text += "".join(rule["expr"] for rule in rules() if rule.get("record", "no") in text)
    words = re.findall(r"[a-z_]{2,}(?=[\[{)\s])", text)
    return {word.removeprefix("pgbackrest_") + " " for word in words} | {"up"}


def _asked(alert: str, tests: Iterable[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[Check]]:
    """The tests with a question for each severity instead of an expectation, and the expectations."""
    severities = sorted({rule["labels"]["severity"] for rule in of(alert)})
    checks: list[Check] = []
    asking = []
    for test in tests:
        questions = []
        for old in test["promql_expr_test"]:
            job = re.search(r'job=~"([^"]*)"', old["expr"])
            firing = {sample["labels"]: sample["value"] for sample in old["exp_samples"]}
            for severity in severities:
                labels = f'{{alertname="{PREFIX}{alert}", severity="{severity}"}}'
                expression = _QUERY % (severity, job[1] if job else ".*", len(checks))
                questions.append(old | {"expr": expression, "exp_samples": _NOTHING})
                checks.append(Check(severity, firing.get(labels, 0)))
        asking.append(test | {"promql_expr_test": questions})
    return asking, checks


def _bare(rule: Rule, name: str) -> Rule:
    """What it says is of no interest here, and takes time."""
    return {key: value for key, value in rule.items() if key != "annotations"} | {"alert": name}


def _file(alert: str, chosen: Mapping[str, Mutant]) -> dict[str, Any]:
    """The rules that record something, and each mutant by its short name."""
    recording = [rule for rule in rules() if "record" in rule]
    used = "".join(rule["expr"] for rule in of(alert))
    written: list[Rule] = [rule for rule in recording if rule["record"] in used]
    for short, mutant in chosen.items():
        if not mutant.readers:
            written.append(_bare(mutant.rule, short))
            continue
        own = f"{mutant.rule['record']}:{short}"
        written.append(mutant.rule | {"record": own})
        for reader in mutant.readers:
            if reader["alert"] == PREFIX + alert:
                expression = reader["expr"].replace(mutant.rule["record"], own)
                written.append(_bare(reader, short) | {"expr": expression})
    return {"groups": [{"name": "mutants", "rules": written}]}


def _answers(alert: str, chosen: Mapping[str, Mutant], asking: list[dict[str, Any]]) -> str:
    """What promtool prints."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rules.yml").write_text(json.dumps(_file(alert, chosen)))
        files = []
        for step, those in promtool.by_step(asking).items():
            file = folder / f"{step}.yml"
            promtool.write(file, folder / "rules.yml", those)
            files.append(file)
        return "\n".join(promtool.run(files).values())


def _noticed(alert: str, chosen: Mapping[str, Mutant], cases: Sequence[Case]) -> set[str]:
    """The short names of those that these cases notice: another number fires, or the rule cannot be evaluated."""
    asking, checks = _asked(alert, promtool.together(alert, cases, _metrics(alert)))
    left = dict(chosen)
    while left:
        words = _answers(alert, left, asking)
        broken = set(_BROKEN.findall(words)) & left.keys()
        left = {short: mutant for short, mutant in left.items() if short not in broken}
        if not broken:
            return chosen.keys() - left.keys() | _differing(alert, words, checks, left)
    return set(chosen)


def _differing(alert: str, words: str, checks: Sequence[Check], left: Mapping[str, Mutant]) -> set[str]:
    answers = {int(number): dict(_SAMPLE.findall(got)) for number, got in _GOT.findall(words)}
    assert answers.keys() == set(range(len(checks))), words[:2000]
    found = set()
    for short, mutant in left.items():
        those = mutant.readers or (mutant.rule,)
        severities = {rule["labels"]["severity"] for rule in those if rule["alert"] == PREFIX + alert}
        found |= {
            short
            for number, check in enumerate(checks)
            if check.severity in severities and float(answers[number].get(short, 0)) != check.expected
        }
    return found


def _portions(cases: Sequence[Case]) -> Iterator[Sequence[Case]]:
    """One, the next two, the next four: most mutants are noticed early, and then cost nothing more."""
    start, size = 0, 1
    while start < len(cases):
        yield cases[start : start + size]
        start, size = start + size, 2 * size


def survivors(alert: str, known: Container[str] = ()) -> tuple[list[Mutant], list[Mutant]]:
    """The mutants that an alert's cases may notice, and those of them that they do not; but none of the known."""
    all_of_them = [mutant for mutant in mutants([alert]) if mutant.name not in known]
    left = {f"m{number}": mutant for number, mutant in enumerate(all_of_them)}
    for cases in _portions(sorted(cases_of(alert), key=lambda case: (case.name != "", max(case.expect)))):
        noticed = _noticed(alert, left, cases)
        left = {short: mutant for short, mutant in left.items() if short not in noticed}
    return all_of_them, list(left.values())


def judged(wanted: Iterable[str] = EVERY) -> dict[str, bool]:
    """Whether anybody's cases notice it, for each mutant by its name.

    Of two alerts that read the same record the later one is the simpler, so it is asked first.
    """
    found: dict[str, bool] = {}
    for alert in reversed(list(wanted)):
        here, living = survivors(alert, {name for name, noticed in found.items() if noticed})
        found |= {mutant.name: mutant not in living for mutant in here}
    return found


def report(found: Mapping[str, bool]) -> Iterator[str]:
    """A line for each that lives, and the score."""
    for name, noticed in found.items():
        if not noticed:
            yield f"{name}  –  {WHY.get(name, 'NOT NOTICED')}"
    score = sum(found.values())
    yield f"{score} of {len(found)} mutants of the rules were noticed: {100 * score / len(found):.1f} %"


if __name__ == "__main__":
    print(*report(judged(sys.argv[1:] or EVERY)), sep="\n")
