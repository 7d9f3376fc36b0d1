"""`make demo`: a real stanza on a throw-away PostgreSQL, and the exporter watching it."""

import sys
import threading
from contextlib import ExitStack

from tests.lab.exporter import Exporter
from tests.lab.lab import Lab
from tests.lab.progress import event, step
from tests.lab.stanza import Stanza
from tests.lab.summary import summary
from tests.lab.visit import visit

# Readings are frequent here, so that what is done is seen soon.
SETTINGS = {"info": {"every": "5s"}}
SECONDS_BETWEEN_BACKUPS = 60
# Retention keeps two fulls: so the demo can run for days.
BACKUPS_TO_A_FULL = 20


def main() -> int:
    """Return the exit code."""
    return visit(_show, target="demo", module="tests.lab.demo", about=__doc__)


def _show(stack: ExitStack, once: bool) -> None:
    lab = Lab()
    for path in lab.leftovers:
        print(f"  an interrupted earlier demo has been removed: {path}")
    print("A throw-away PostgreSQL with pgBackRest:", flush=True)
    stack.enter_context(lab)
    stanza = _prepare(lab)
    with step("starting the exporter"):
        exporter = stack.enter_context(Exporter(lab, settings=SETTINGS))
    scrape = exporter.scrape()
    print(f"\nWhat it sees:\n\n{summary(scrape)}\n")
    if once:
        print(scrape)
    else:
        _serve(stanza, exporter)


def _prepare(lab: Lab) -> Stanza:
    with step("creating a cluster, its stanza and two repositories"):
        stanza = lab.stanza("demo")
    print(f"    PostgreSQL {stanza.cluster.major}, account {lab.account.name}, folder {lab.path}")
    for backup_type, repo in (("full", 1), ("diff", 1), ("incr", 1), ("full", 2), ("incr", 2)):
        stanza.write(20_000)
        with step(f"{backup_type} backup in repository {repo}{' (encrypted)' if repo == 2 else ''}"):
            stanza.backup(backup_type, repo=repo)
    with step("writing data and archiving WAL"):
        stanza.write(20_000)
        stanza.switch_wal()
    return stanza


def _serve(stanza: Stanza, exporter: Exporter) -> None:
    """Until Ctrl-C: rows every second, a backup every minute."""
    print(f"Status page  {exporter.address}/\nMetrics      {exporter.address}/metrics\n")
    print("New data is written all the time, a backup every minute. Ctrl-C ends it and removes everything.\n")
    waiting = threading.Event()
    second = 0
    try:
        while not waiting.wait(1):
            exporter.child.check_alive()
            stanza.write(50)
            second += 1
            if second % SECONDS_BETWEEN_BACKUPS == 0:
                _back_up(stanza, second // SECONDS_BETWEEN_BACKUPS)
    except KeyboardInterrupt:
        print("\nEnding: the exporter, PostgreSQL and the folder go …", flush=True)


def _back_up(stanza: Stanza, number: int) -> None:
    repo = 1 + number % 2
    # Two in a row: one for each repository.
    backup_type = "full" if (number + 1) % BACKUPS_TO_A_FULL < 2 else "incr"
    event(f"{backup_type} backup in repository {repo} …")
    stanza.backup(backup_type, repo=repo)
    event("  … finished, and in the metrics within 5 s")


if __name__ == "__main__":
    sys.exit(main())
