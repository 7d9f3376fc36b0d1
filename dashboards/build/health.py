"""The collapsed row that ends every board: whether the exporter itself sees what it should."""

from typing import Final

from dashboards.build import colour
from dashboards.build.board import Section
from dashboards.build.override import SOME_NAMED, override
from dashboards.build.panel import band, table, timeseries
from dashboards.build.query import bare
from dashboards.build.target import graph, rows
from dashboards.build.transformation import arranged, merged

_COLLECTOR: Final = "cluster, namespace, job, instance, collector, stanza"
_READING: Final = "{{collector}} {{stanza}} {{instance}}"
_BUILT: Final = bare("pgbackrest_exporter_build_info", range_="1d")


def _of(name: str) -> str:
    """Collectors of the chosen stanza, and those that read all stanzas at once."""
    return bare(f"pgbackrest_exporter_collector_{name}", 'stanza=~"|$stanza"')


_FAILED: Final = f"sum by (instance, collector, stanza) (increase({_of('errors_total')}[$__rate_interval]))"


def _duration(when: str = "") -> str:
    return f"max by (instance, collector, stanza) ({_of('duration_seconds')}{when})"


_up = band(
    "Exporters answer",
    "Grey or red: Prometheus could not scrape this exporter, and every other panel is blind for it. "
    "Look at its service (systemctl status pgbackrest-exporter) and at the target's error in Prometheus.",
    graph(
        f"max by (job, instance) ({bare('up')} and on (cluster, job) last_over_time({_BUILT}))",
        "{{instance}}",
    ),
    size=(8, 7),
    empty="No exporter was ever scraped: check the scrape job in Prometheus.",
    mappings=colour.words((1, "up", colour.OK), (0, "down", colour.CRITICAL)),
)

_collectors = table(
    "Collectors",
    "What each exporter reads, and whether the last reading worked. A failed one shows its error on the "
    "exporter's status page and in its log; "
    "off is no fault, the status page says why.",
    rows(f"max by ({_COLLECTOR}) ({_of('enabled')})"),
    rows(f"max by ({_COLLECTOR}) ({_of('success')})"),
    rows(f"time() - max by ({_COLLECTOR}) ({_of('last_success_timestamp_seconds')})"),
    rows(f"max by ({_COLLECTOR}) ({_of('duration_seconds')})"),
    size=(16, 7),
    empty="No exporter answers: check the scrape job in Prometheus.",
    overrides=[
        override(
            "Runs", mappings=colour.words((1, "on", colour.OK), (0, "off", colour.UNKNOWN)), custom__width=70
        ),
        override(
            "Last reading",
            mappings=colour.words((1, "worked", colour.OK), (0, "failed", colour.CRITICAL)),
            custom__displayMode="color-background-solid",
            custom__width=110,
        ),
        override("Collector", custom__width=110),
        override("Worked last", unit="dtdurations", decimals=0, custom__width=130),
        override("Took", unit="s", custom__width=90),
    ],
    transformations=[
        *merged(),
        arranged(
            {
                "cluster": "Cluster",
                "namespace": "Namespace",
                "instance": "Exporter",
                "collector": "Collector",
                "stanza": "Stanza",
                "Value #A": "Runs",
                "Value #B": "Last reading",
                "Value #C": "Worked last",
                "Value #D": "Took",
            },
            hidden=("Time", "job"),
        ),
    ],
)

_errors = timeseries(
    "Readings that failed",
    "Failed readings of each collector. A few beside a maintenance window are normal; a steady line is a "
    "collector that never works: read its error on the status page. Named are those that failed.",
    graph(_FAILED, _READING),
    graph(f"{_FAILED} > 0", _READING),
    unit="short",
    size=(8, 7),
    empty="No exporter answers: check the scrape job in Prometheus.",
    overrides=SOME_NAMED,
    legend=(),
)

_durations = timeseries(
    "How long readings take",
    "When a reading comes near its deadline (setting `within`), the next slow day makes it fail. Object "
    "stores and cold caches are slow: give it more time or read less often. Named are the three slowest now.",
    graph(_duration(), _READING),
    graph(f"{_duration()} and on (instance, collector, stanza) topk(3, {_duration(' @ end()')})", _READING),
    unit="s",
    size=(8, 7),
    empty="No exporter answers: check the scrape job in Prometheus.",
    overrides=SOME_NAMED,
    legend=(),
)

_versions = table(
    "Versions and settings",
    "Exporters in use. Refused settings mean that the file was changed and has a mistake: the old settings "
    "stay in force; `--config.check` names the mistake.",
    rows(f"max by (job, instance, version) ({bare('pgbackrest_exporter_build_info')})"),
    rows(f"max by (job, instance) ({bare('pgbackrest_exporter_config_reload_success')})"),
    size=(8, 7),
    empty="No exporter answers: check the scrape job in Prometheus.",
    overrides=[
        override(
            "Settings",
            mappings=colour.words((1, "in force", colour.OK), (0, "refused", colour.CRITICAL)),
            custom__displayMode="color-background-solid",
            custom__width=90,
        ),
        override("Version", custom__width=100),
    ],
    transformations=[
        *merged(),
        arranged(
            {"instance": "Exporter", "version": "Version", "Value #B": "Settings"},
            hidden=("Time", "job", "Value #A"),
        ),
    ],
)

HEALTH: Final = Section(
    title="Exporter health", panels=(_up, _collectors, _errors, _durations, _versions), collapsed=True
)
