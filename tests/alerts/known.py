"""The metrics that the exporter has, and those that a text names."""

import re

from exporter.metrics import GROUPS

FAMILIES = {metric.family.name: set(group.labels) for group in GROUPS for metric in group.metrics}
COUNTERS = {metric.family.name for group in GROUPS for metric in group.metrics if metric.type == "counter"}


def metrics_of(text: str) -> set[str]:
    """Without what is recorded, and without names that only begin words of a sentence."""
    found = set(re.findall(r"(?<![\w:/.-])pgbackrest_[a-z_]+[a-z](?![\w:*])", text))
    return found - {"pgbackrest_exporter"}
