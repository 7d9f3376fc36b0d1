"""Why a panel is empty: in whole, and in few words for a tile, which Grafana writes the smaller the more they are."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Empty:
    """One reason; *long* says what to do."""

    short: str
    long: str


NO_EXPORTER: Final = Empty(
    "No exporter answers",
    "No exporter answers: open the row “Exporter health” below, and check the scrape job.",
)
NO_POSTGRESQL: Final = Empty(
    "PostgreSQL is not asked", "PostgreSQL is not asked: set `postgresql` for the stanza."
)
NO_PATRONI: Final = Empty("Patroni is not asked", "Patroni is not asked: set `patroni` for the stanza.")
NO_LISTING: Final = Empty(
    "Repository is not listed", "The repository is not listed: see `repository` in the settings."
)
NO_CAPACITY: Final = Empty(
    "No capacity is known", "No capacity is known: state repository.capacity in the settings."
)
NO_BACKUP: Final = Empty("There is no backup", "No backup: run `pgbackrest backup --type=full`.")
NO_FULL: Final = Empty("There is no full", "No full backup: run `pgbackrest backup --type=full`.")
NO_RUN: Final = Empty("No run is known", "No run is known: see `runs` in the settings.")
NO_TEST: Final = Empty(
    "No restore test has run", "No restore test has run: schedule `pgbackrest-exporter restore-test`."
)
