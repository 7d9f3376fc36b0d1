"""The rules with one mistake each.

Mutated are comparisons, thresholds, arithmetic, label sets, matchers, set operators, aggregations, look-backs, offsets,
`for` and `keep_firing_for`. Which of several values an alert shows is no mutant: it changes a text, not who is told.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.alerts.rules import PREFIX, Rule, alerts, names, rules

_COMPARISONS = {
    "==": ("!=",),
    "!=": ("==",),
    ">": (">=", "<"),
    ">=": (">", "<"),
    "<": ("<=", ">"),
    "<=": ("<", ">"),
}
_OPERATORS = {"unless": "and", "and": "unless", "or": "and"}
_ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*"}
_AGGREGATIONS = {"max": "min", "min": "max", "count": "max", "sum": "max"}
_OVER_TIME = {"max_over_time": "min", "avg_over_time": "last"}
_PAIR = {"instance", "pod", "container", "endpoint"}
_COMPARES = r"(?:==|!=|>=|<=|>|<)"
EVERY = [name for name in names() if name != "Watchdog"]

Change = tuple[str, str]
"""What is changed, in words, and the expression that comes of it."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed rule; where it only records something, each alert that reads it is one to notice."""

    name: str
    rule: Rule
    readers: tuple[Rule, ...] = ()

    @property
    def noticed_by(self) -> set[str]:
        """The alerts whose cases may notice it."""
        return {each["alert"].removeprefix(PREFIX) for each in (self.readers or (self.rule,))}


def _outside(expr: str, pattern: str) -> Iterator[re.Match[str]]:
    """Matches that stand neither in matchers nor in ranges."""
    for found in re.finditer(pattern, expr):
        before = expr[: found.start()]
        if before.count("{") == before.count("}") and before.count("[") == before.count("]"):
            yield found


def _line(expr: str, found: re.Match[str]) -> str:
    return f"line {expr.count(chr(10), 0, found.start()) + 1}"


def _put(expr: str, found: re.Match[str], new: str) -> str:
    return expr[: found.start()] + new + expr[found.end() :]


def _replaced(expr: str, found: re.Match[str], new: str) -> Change:
    return f"{_line(expr, found)}: {found[0]!r} becomes {new!r}", _put(expr, found, new)


def _comparisons(expr: str) -> Iterator[Change]:
    for found in _outside(expr, rf"(?<![=!<>]){_COMPARES}(?![=~])"):
        for new in _COMPARISONS[found[0]]:
            yield _replaced(expr, found, new)


def _numbers(expr: str) -> Iterator[Change]:
    for found in _outside(expr, r"(?<![\w.\[])\d+(?:\.\d+)?(?![\w.])"):
        number = float(found[0])
        new = number + 1 if number < 10 and number.is_integer() else number * 1.1
        yield _replaced(expr, found, f"{new:g}")


def _operators(expr: str) -> Iterator[Change]:
    for found in _outside(expr, r"\b(?:unless|and|or)\b"):
        yield _replaced(expr, found, _OPERATORS[found[0]])
    for found in _outside(expr, r"(?<= )[-+*/](?= )|^/(?= )"):
        yield _replaced(expr, found, _ARITHMETIC[found[0]])


def _label_sets(expr: str) -> Iterator[Change]:
    """Each label of its own, and one of those of a pair in turn."""
    for index, found in enumerate(re.finditer(r"(without|ignoring) \(([^)]*)\)", expr)):
        labels = found[2].split(", ")
        own = [label for label in labels if label not in _PAIR]
        for lost in dict.fromkeys([labels[index % len(labels)], *own]):
            rest = ", ".join(label for label in labels if label != lost)
            yield f"{_line(expr, found)}: {found[1]} lacks {lost}", _put(expr, found, f"{found[1]} ({rest})")


def _aggregations(expr: str) -> Iterator[Change]:
    """Where the value matters: it is compared, or reckoned with."""
    for found in _outside(expr, r"\b(?:max|min|count|sum)(?= without)"):
        after = expr[_closing(expr, found.end()) + 1 :]
        matching = r"(?: ignoring \([^)]*\))?(?: group_left \(\))?"
        before = re.search(rf"(?:{_COMPARES}{matching}|[-+*/])\s*$", expr[: found.start()])
        if before or re.match(rf"\s*(?:{_COMPARES}|[-+*/])", after):
            yield _replaced(expr, found, _AGGREGATIONS[found[0]])
    for found in _outside(expr, r"\b\w+_over_time(?=\()"):
        if found[0] in _OVER_TIME:
            yield _replaced(expr, found, f"{_OVER_TIME[found[0]]}_over_time")


def _values(expr: str) -> Iterator[Change]:
    """Of what is recorded the value matters, too, whatever stands beside it."""
    for found in re.finditer(r"(?:^|(?<=\nor\n))max(?= without)", expr):
        yield _replaced(expr, found, "min")


def _closing(expr: str, start: int) -> int:
    """Where the parenthesis closes that follows a label set."""
    depth = 0
    for index in range(expr.index(")", start) + 1, len(expr)):
        depth += {"(": 1, ")": -1}.get(expr[index], 0)
        if depth == 0 and expr[index] == ")":
            return index
    raise ValueError(expr)


def _ranges(expr: str) -> Iterator[Change]:
    for found in re.finditer(r"last_over_time\(([^\[\]()]*)\[\w+\]( offset \w+)?\)", expr):
        words = f"{_line(expr, found)}: no look-back on {found[1].partition('{')[0]}"
        yield words, _put(expr, found, found[1] + (found[2] or ""))
    for found in re.finditer(r"\[(\d+)([mhd])\]", expr):
        if found[0] != "[15m]":  # those of last_over_time are the same everywhere, says test_lint.py
            minutes = int(found[1]) * {"m": 1, "h": 60, "d": 1440}[found[2]]
            yield _replaced(expr, found, f"[{max(1, minutes // 10)}m]")
    for found in re.finditer(r" offset \w+", expr):
        yield _replaced(expr, found, "")


def _matchers(expr: str) -> Iterator[Change]:
    for found in re.finditer(r"\{([^}]*)\}", expr):
        matchers = re.findall(r'\w+(?:=~|!~|!=|=)"[^"]*"', found[1])
        for lost in matchers:
            rest = ", ".join(each for each in matchers if each != lost)
            yield f"{_line(expr, found)}: lacks {lost}", _put(expr, found, f"{{{rest}}}" if rest else "")


def _times(rule: Rule) -> Iterator[tuple[str, Rule]]:
    number, unit = re.fullmatch(r"(\d+)(\w)", rule.get("for", "0m")).groups()  # type: ignore[union-attr]
    yield "for is longer", rule | {"for": f"{2 * int(number) or 5}{unit}"}
    for key in ("for", "keep_firing_for"):
        if key in rule:
            yield f"no {key}", {name: value for name, value in rule.items() if name != key}


def _changed(rule: Rule) -> Iterator[tuple[str, Rule]]:
    """The rule with each mistake, duplicates left out."""
    seen = {rule["expr"]}
    makers = (_comparisons, _numbers, _operators, _label_sets, _aggregations, _ranges, _matchers)
    for maker in makers:
        for change, expr in maker(rule["expr"]):
            if expr not in seen:
                seen.add(expr)
                yield change, rule | {"expr": expr}
    if "alert" in rule:
        yield from _times(rule)
    else:
        yield from ((change, rule | {"expr": expr}) for change, expr in _values(rule["expr"]))


def mutants(wanted: Iterable[str] = EVERY) -> Iterator[Mutant]:
    """Those of the rules of these alerts, and of what is recorded for them."""
    chosen = set(wanted)
    named: Counter[str] = Counter()
    for rule in rules():
        readers: tuple[Rule, ...] = ()
        if "alert" in rule:
            place = f"{rule['alert'].removeprefix(PREFIX)}/{rule['labels']['severity']}"
        else:
            place = rule["record"]
            readers = tuple(each for each in alerts() if place in each["expr"])
        for change, changed in _changed(rule):
            named[f"{place}: {change}"] += 1
            again = named[f"{place}: {change}"]  # twice in one line
            mutant = Mutant(f"{place}: {change}{f', {again}' if again > 1 else ''}", changed, readers)
            if mutant.noticed_by & chosen:
                yield mutant
