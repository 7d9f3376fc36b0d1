"""The metrics that a board may name, with their labels."""

from exporter.metrics import GROUPS

# What Prometheus and its service discovery add.
OF_TARGET = {"job", "instance", "cluster", "namespace", "pod", "container", "endpoint"}

METRICS: dict[str, set[str]] = {
    "up": OF_TARGET,
    **{metric.family.name: {*group.labels, *OF_TARGET} for group in GROUPS for metric in group.metrics},
}
