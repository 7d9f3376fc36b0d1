"""PromQL: selectors that the boards' variables narrow, and what makes two exporters of one repository count once.

Every selector has the labels job, instance and cluster. A threshold and the fact that it judges come from the same
exporter, so they are compared there first; then the exporters are made one by taking the worst.
"""

from typing import Final

STANZA: Final = "cluster, namespace, job, stanza"
REPO: Final = f"{STANZA}, repo"

_TARGET: Final = 'job=~"$job", instance=~"$instance", cluster=~"$cluster"'


def of(name: str, *matchers: str, repo: bool = False, shared: bool = False, range_: str = "") -> str:
    """Return a selector of a family of ours, narrowed by the variables.

    *repo*: by $repo too. *shared*: its stanza is empty where a repository belongs to all stanzas.
    """
    stanza = 'stanza=~"|$stanza"' if shared else 'stanza=~"$stanza"'
    parts = [_TARGET, stanza, *(['repo=~"$repo"'] if repo else []), *matchers]
    return f"pgbackrest_{name}{{{', '.join(parts)}}}{f'[{range_}]' if range_ else ''}"


def bare(name: str, *matchers: str, range_: str = "") -> str:
    """Return a selector of a family that has no stanza."""
    return f"{name}{{{', '.join([_TARGET, *matchers])}}}{f'[{range_}]' if range_ else ''}"


def worst(expression: str, by: str = STANZA) -> str:
    """Make the exporters one: the highest value counts."""
    return f"max by ({by}) ({expression})"


def least(expression: str, by: str = STANZA) -> str:
    """Make the exporters one: the lowest value counts."""
    return f"min by ({by}) ({expression})"


def age(expression: str) -> str:
    """Return how long ago a moment is, in seconds."""
    return f"time() - {expression}"


def threshold(signal: str, severity: str, *, repo: bool = False, unit: str = "seconds") -> str:
    """Return the thresholds of a signal as the exporter resolved them; +Inf is off."""
    matchers = (f'signal="{signal}"', f'severity=~"{severity}"')
    return of(f"threshold_{unit}", *matchers, repo=repo, shared=unit == "ratio")


def level(value: str, signal: str, *, by: str = STANZA, below: bool = False, unit: str = "seconds") -> str:
    """Return 0, 1 or 2 for each of *by*: fine, over the warning, over the critical threshold of *signal*.

    *value* has, beside its exporter's labels, the labels of the threshold and no more. *below*: less is worse. Both
    thresholds are met in one join, which over a month of fifty stanzas takes half the time of two.
    """
    operator, is_on = ("<", " < Inf") if below else (">", "")
    limits = threshold(signal, "warning|critical", repo="repo" in by, unit=unit)
    met = f"{value} {operator} bool ignoring (signal, severity) group_right () ({limits}{is_on})"
    judged = f"max by ({by}) (sum without (signal, severity) ({met}))"
    return f"({judged} or 0 * max by ({by}) ({value}))" if below else f"({judged})"


def over(
    value: str, signal: str, severity: str, *, by: str = STANZA, below: bool = False, unit: str = "seconds"
) -> str:
    """Return those values that a threshold condemns; *value* and *below* as of `level`."""
    operator, is_on = ("<", " < Inf") if below else (">", "")
    limit = threshold(signal, severity, repo="repo" in by, unit=unit)
    pick = "min" if below else "max"
    return f"{pick} by ({by}) ({value} {operator} ignoring (signal, severity) ({limit}{is_on}))"


def line(signal: str, severity: str, *, repo: bool = False, unit: str = "seconds") -> str:
    """Return a threshold as a line to draw; a board shows none where it is off."""
    return f"max by (severity) ({threshold(signal, severity, repo=repo, unit=unit)} < Inf)"
