"""Rules with one mistake each, and which of them the cases notice: `python -m tests.alerts.mutants [ALERT …]`.

Mutated are comparisons, thresholds, label sets, matchers, set operators, look-backs, offsets, `for` and
`keep_firing_for`, and max and min where a comparison follows. Which of several values an alert shows is no mutant:
it changes a text, not who is told.
"""

import copy
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.alerts import promtool
from tests.alerts.cases import CASES
from tests.alerts.rules import Rule, cut_down, names, of, rules
from tests.alerts.survivors import WHY
from tests.alerts.world import healthy

_COMPARISONS = {
    "==": ("!=",),
    "!=": ("==",),
    ">": (">=", "<"),
    ">=": (">", "<"),
    "<": ("<=", ">"),
    "<=": ("<", ">"),
}
_SETS = {"unless": "and", "and": "unless", "or": "and"}
_PAIR = {"instance", "pod", "container", "endpoint"}
_BATCH = 24
EVERY = [name for name in names() if name != "Watchdog"]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed rule of an alert, beside its others."""

    alert: str
    severity: str
    change: str
    rules: tuple[Rule, ...]

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return f"{self.alert}/{self.severity}: {self.change}"


def _outside(expr: str, pattern: str) -> Iterator[re.Match[str]]:
    """Matches that stand neither in matchers nor in ranges."""
    for found in re.finditer(pattern, expr):
        before = expr[: found.start()]
        if before.count("{") == before.count("}") and before.count("[") == before.count("]"):
            yield found


def _replaced(expr: str, found: re.Match[str], new: str) -> tuple[str, str]:
    line = expr.count("\n", 0, found.start()) + 1
    return f"line {line}: {found[0]!r} becomes {new!r}", expr[: found.start()] + new + expr[found.end() :]


def _comparisons(expr: str) -> Iterator[tuple[str, str]]:
    for found in _outside(expr, r"(?<![=!<>])(==|!=|>=|<=|>|<)(?![=~])"):
        for new in _COMPARISONS[found[0]]:
            yield _replaced(expr, found, new)


def _numbers(expr: str) -> Iterator[tuple[str, str]]:
    for found in _outside(expr, r"(?<![\w.\[])\d+(?:\.\d+)?(?![\w.])"):
        number = float(found[0])
        new = number + 1 if number < 10 and number.is_integer() else number * 1.1
        yield _replaced(expr, found, f"{new:g}")


def _label_sets(expr: str) -> Iterator[tuple[str, str]]:
    for index, found in enumerate(re.finditer(r"(without|ignoring) \(([^)]*)\)", expr)):
        labels = found[2].split(", ")
        own = [label for label in labels if label not in _PAIR]
        for lost in dict.fromkeys([labels[index % len(labels)], *own]):
            rest = ", ".join(label for label in labels if label != lost)
            change, mutant = _replaced(expr, found, f"{found[1]} ({rest})")
            yield f"{change.partition(':')[0]}: {found[1]} lacks {lost}", mutant


def _sets(expr: str) -> Iterator[tuple[str, str]]:
    for found in _outside(expr, r"\b(unless|and|or)\b"):
        yield _replaced(expr, found, _SETS[found[0]])


def _extremes(expr: str) -> Iterator[tuple[str, str]]:
    for found in _outside(expr, r"\b(max|min|count)(?= without)"):
        compared = re.match(r"\s*(?:==|!=|>=|<=|>|<)", expr[_closing(expr, found.end()) + 1 :])
        if compared:
            yield _replaced(expr, found, {"max": "min", "min": "max", "count": "max"}[found[0]])


def _closing(expr: str, start: int) -> int:
    """Where the parenthesis closes that follows a label set."""
    depth = 0
    for index in range(expr.index(")", start) + 1, len(expr)):
        depth += {"(": 1, ")": -1}.get(expr[index], 0)
        if depth == 0 and expr[index] == ")":
            return index
    raise ValueError(expr)


def _ranges(expr: str) -> Iterator[tuple[str, str]]:
    for found in re.finditer(r"last_over_time\(([^\[\]()]*)\[(\w+)\]( offset \w+)?\)", expr):
        change, mutant = _replaced(expr, found, found[1] + (found[3] or ""))
        yield f"{change.partition(':')[0]}: no look-back on {found[1].partition('{')[0]}", mutant
    for found in re.finditer(r"\[(\d+)([mhd])\]", expr):
        if found[0] != "[15m]":
            minutes = int(found[1]) * {"m": 1, "h": 60, "d": 1440}[found[2]]
            yield _replaced(expr, found, f"[{max(1, minutes // 10)}m]")
    for found in re.finditer(r" offset \w+", expr):
        yield _replaced(expr, found, "")


def _matchers(expr: str) -> Iterator[tuple[str, str]]:
    for found in re.finditer(r"\{([^}]*)\}", expr):
        matchers = re.findall(r'\w+(?:=~|!~|!=|=)"[^"]*"', found[1])
        for lost in matchers:
            rest = ", ".join(each for each in matchers if each != lost)
            change, mutant = _replaced(expr, found, f"{{{rest}}}" if rest else "")
            yield f"{change.partition(':')[0]}: lacks {lost}", mutant


def _times(rule: Rule) -> Iterator[tuple[str, Rule]]:
    number, unit = re.fullmatch(r"(\d+)(\w)", rule.get("for", "0m")).groups()  # type: ignore[union-attr]
    yield "for is longer", rule | {"for": f"{2 * int(number) or 5}{unit}"}
    if "for" in rule:
        yield "no for", {key: value for key, value in rule.items() if key != "for"}
    if "keep_firing_for" in rule:
        yield "no keep_firing_for", {key: value for key, value in rule.items() if key != "keep_firing_for"}


def mutants(alert: str) -> Iterator[Mutant]:
    """Each of an alert's rules with one mistake, duplicates left out."""
    those = of(alert)
    for index, rule in enumerate(those):
        seen = {rule["expr"]}
        makers = (_comparisons, _numbers, _label_sets, _sets, _extremes, _ranges, _matchers)
        changed = [
            (change, rule | {"expr": expr}) for maker in makers for change, expr in maker(rule["expr"])
        ]
        for change, mutant in [*changed, *_times(rule)]:
            if mutant["expr"] in seen and mutant["expr"] != rule["expr"]:
                continue
            seen.add(mutant["expr"])
            all_of_it = copy.deepcopy((*those[:index], mutant, *those[index + 1 :]))
            yield Mutant(alert, rule["labels"]["severity"], change, all_of_it)


def _metrics(alert: str) -> set[str]:
    """How the series that the alert reads begin in the world; of thresholds, its own signal and one other."""
    text = "".join(rule["expr"] for rule in of(alert))
    text += "".join(rule["expr"] for rule in rules() if rule.get("record", "no") in text)
    found = {
        word.removeprefix("pgbackrest_") + " " for word in re.findall(r"[a-z_]{2,}(?=[\[{)\s])", text)
    } | {"up"}
    signals = re.findall(r'signal=~?"([a-z_|]+)"', text)
    if signals:
        known = {key for key in healthy() if key.startswith("threshold_seconds ")}
        wanted = {signal for names_ in signals for signal in names_.split("|")} | {"backup"}
        found.discard("threshold_seconds ")
        found |= {key for key in known if re.search(r"signal=(\w+)", key)[1] in wanted}  # type: ignore[index]
    return found


@cache
def _tests(alert: str) -> dict[str, str]:
    """The files of unit tests of an alert, for a rule file beside them."""
    cases = [case for case in CASES if case.alert == alert]
    tests = promtool.by_step(promtool.together(alert, cases, _metrics(alert)))
    return {f"{step}.yml": promtool.document("rules.yml", those) for step, those in tests.items()}


def _judge(batch: Sequence[Mutant]) -> list[Mutant]:
    """The mutants of a batch that no case notices."""
    with tempfile.TemporaryDirectory() as name:
        files: list[list[Path]] = []
        for number, mutant in enumerate(batch):
            folder = Path(name, str(number))
            folder.mkdir()
            (folder / "rules.yml").write_text(json.dumps(cut_down(mutant.rules)))
            texts = _tests(mutant.alert)
            for file, text in texts.items():
                (folder / file).write_text(text)
            files.append([folder / file for file in texts])
        words = promtool.run([file for those in files for file in those])
    return [
        mutant for mutant, those in zip(batch, files, strict=True) if not any(words[file] for file in those)
    ]


def survivors(alerts: Iterable[str]) -> tuple[int, Iterator[Mutant]]:
    """How many mutants there are, and those that live, as they are found."""
    all_of_them = [mutant for alert in alerts for mutant in mutants(alert)]
    batches = [all_of_them[start : start + _BATCH] for start in range(0, len(all_of_them), _BATCH)]

    def judged() -> Iterator[Mutant]:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for living in pool.map(_judge, batches):
                yield from living

    return len(all_of_them), judged()


def main(alerts: Sequence[str]) -> int:
    """Print who lives and why; 0 when each of them is known."""
    count, living = survivors(alerts or EVERY)
    found = []
    for mutant in living:
        found.append(mutant)
        print(f"{mutant.name}  –  {WHY.get(mutant.name, 'NOT NOTICED')}", flush=True)
    print(f"{count - len(found)} of {count} mutants were noticed: {100 * (count - len(found)) / count:.1f} %")
    return int(any(mutant.name not in WHY for mutant in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
