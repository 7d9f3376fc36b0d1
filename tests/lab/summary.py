"""A scrape → what a person wants to know first: stanzas, repositories, newest backups, WAL position."""

from collections.abc import Iterator, Mapping

from prometheus_client.parser import text_string_to_metric_families

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


class Scrape:
    """The samples of one exposition in the text format."""

    def __init__(self, text: str) -> None:
        self._samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    def value(self, name: str, **labels: str) -> float | None:
        """The sample `pgbackrest_<name>` with these labels among its own; None when there is none."""
        return next(iter(self._matching(name, labels).values()), None)

    def values(self, name: str, **labels: str) -> list[float]:
        """All samples `pgbackrest_<name>` with these labels among their own."""
        return list(self._matching(name, labels).values())

    def series(self, name: str) -> dict[tuple[tuple[str, str], ...], float]:
        """All samples of that name, by their labels."""
        return self._matching(name, {})

    def labels(self, name: str, label: str, **labels: str) -> list[str]:
        """The values that a label takes, in order."""
        return sorted({dict(pairs)[label] for pairs in self._matching(name, labels)})

    def text_of(self, name: str, label: str, **labels: str) -> str:
        """One value of a label of an `_info` family, or "?"."""
        return next(iter(self.labels(name, label, **labels)), "?") or "?"

    def _matching(self, name: str, labels: Mapping[str, str]) -> dict[tuple[tuple[str, str], ...], float]:
        return {
            tuple(sample.labels.items()): sample.value
            for sample in self._samples
            if sample.name == f"pgbackrest_{name}" and labels.items() <= sample.labels.items()
        }


def summary(text: str) -> str:
    """Some lines for a terminal."""
    scrape = Scrape(text)
    return "\n".join(
        line for stanza in scrape.labels("stanza_ok", "stanza") for line in _stanza(scrape, stanza)
    )


def _stanza(scrape: Scrape, stanza: str) -> Iterator[str]:
    state = "ok" if scrape.value("stanza_ok", stanza=stanza) else "NOT OK"
    version = scrape.text_of("database_info", "pg_version", stanza=stanza, state="current")
    yield f"stanza {stanza}: {state}, PostgreSQL {version}"
    for repo in scrape.labels("repo_ok", "repo", stanza=stanza):
        yield from _repository(scrape, stanza, repo)


def _repository(scrape: Scrape, stanza: str, repo: str) -> Iterator[str]:
    state = "ok" if scrape.value("repo_ok", stanza=stanza, repo=repo) else "NOT OK"
    cipher = scrape.text_of("repo_info", "cipher", stanza=stanza, repo=repo)
    wal = _wal(scrape, stanza, repo)
    yield f"  repository {repo}: {state}, {'not encrypted' if cipher == 'none' else cipher}{wal}"
    for backup_type in ("full", "diff", "incr"):
        if count := scrape.value("backups", stanza=stanza, repo=repo, backup_type=backup_type):
            yield _newest(scrape, int(count), {"stanza": stanza, "repo": repo, "backup_type": backup_type})


def _wal(scrape: Scrape, stanza: str, repo: str) -> str:
    timeline, newest, oldest = (
        scrape.value(f"wal_archive_{what}", stanza=stanza, repo=repo)
        for what in ("newest_timeline", "newest_segment_number", "oldest_segment_number")
    )
    if timeline is None or newest is None or oldest is None:
        return ""
    return f", WAL segments {oldest:.0f} to {newest:.0f} on timeline {timeline:.0f}"


def _newest(scrape: Scrape, count: int, labels: Mapping[str, str]) -> str:
    age = scrape.value("backup_age_seconds", **labels)
    took = scrape.value("backup_last_duration_seconds", **labels)
    database = scrape.value("backup_last_size_bytes", **labels)
    stored = scrape.value("backup_last_repo_delta_bytes", **labels)
    return (
        f"    {count} {labels['backup_type']:<4}  newest {_seconds(age)} ago, took {_seconds(took)}, "
        f"database {_size(database)}, {_size(stored)} added to the repository"
    )


def _seconds(value: float | None) -> str:
    if value is None:
        return "?"
    minutes, seconds = divmod(round(value), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _size(value: float | None) -> str:
    if value is None:
        return "?"
    for unit in _UNITS[:-1]:
        if value < 1024:
            return f"{value:.3g} {unit}"
        value /= 1024
    return f"{value:.3g} {_UNITS[-1]}"
