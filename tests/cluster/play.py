"""`make cluster`: the cluster of deploy/patroni to play with, and the exporter watching it."""

import sys
import threading
from contextlib import ExitStack

from tests.cluster.cluster import Cluster
from tests.cluster.repository import STANZA
from tests.lab.exporter import Exporter
from tests.lab.postgresql import binaries
from tests.lab.program import LabError, find
from tests.lab.progress import event, step
from tests.lab.summary import summary
from tests.lab.visit import visit

# Readings are frequent here, so that what is done is seen soon.
OFTEN = {
    "info": {"every": "5s"},
    "repository": {"every": "10s"},
    "runs": {"every": "2s"},
    "archiver": {"every": "2s"},
    "patroni": {"every": "2s", "within": "2s"},
}
SECONDS_BETWEEN_BACKUPS = 60
# Retention keeps two fulls: so it can run for days.
BACKUPS_TO_A_FULL = 20


def main() -> int:
    """Return the exit code."""
    return visit(_show, target="cluster", module="tests.cluster.play", about=__doc__)


def _show(stack: ExitStack, once: bool) -> None:
    cluster = Cluster(say=lambda words: event(f"{words} …"))
    for path in cluster.leftovers:
        print(f"  an interrupted earlier laboratory has been removed: {path}")
    print("The cluster of deploy/patroni, on this machine alone and thrown away afterwards:", flush=True)
    stack.enter_context(cluster)
    for backup_type, repo in (("full", 1), ("full", 2), ("incr", 1)):
        with step(f"{backup_type} backup of a replica in repository {repo}"):
            cluster.repository.backup(backup_type, repo)
    with step("starting the exporter"):
        exporter = stack.enter_context(Exporter(cluster, settings=cluster.exporter_settings(OFTEN)))
    scrape = exporter.scrape()
    print(f"\nWhat it sees:\n\n{summary(scrape)}\n")
    if once:
        print(scrape)
    else:
        print(_directions(cluster, exporter))
        _serve(cluster, exporter)


def _directions(cluster: Cluster, exporter: Exporter) -> str:
    """Where everything is, as lines to copy."""
    psql = binaries() / "psql"
    lines = [f"Status page    {exporter.address}/", f"Metrics        {exporter.address}/metrics", ""]
    for node in cluster.nodes:
        where = f"-h {node.socket} -p {node.port}"
        lines += [
            f"{node.name}  Patroni  {node.url}/cluster",
            f"     psql     {psql} {where} -U postgres postgres",
        ]
    patronictl, yml = find("patronictl", "apt-get install patroni"), cluster.nodes[0].path / "patroni.yml"
    lines += [
        "",
        f"Patroni        {patronictl} -c {yml} list        (or switchover, pause, edit-config, reinit)",
        f"pgBackRest     {cluster.command} --config={cluster.config} --stanza={STANZA} info   (or backup, stop)",
        f"Repositories   {cluster.repository.repo1}, {cluster.s3.folder}",
        f"Logs           {cluster.repository.log_path}, {cluster.path}/pg*/log, {cluster.path}/pg*/patroni-*.log",
        "",
        "New data is written all the time, a backup every minute. Break what you like.",
        "Ctrl-C ends it and removes everything.",
        "",
    ]
    return "\n".join(lines)


def _serve(cluster: Cluster, exporter: Exporter) -> None:
    """Until Ctrl-C: rows every second, a backup every minute; what the user has broken is told and borne."""
    waiting = threading.Event()
    second = 0
    try:
        while not waiting.wait(1):
            exporter.child.check_alive()
            second += 1
            try:
                cluster.insert(50)
                if second % SECONDS_BETWEEN_BACKUPS == 0:
                    _back_up(cluster, second // SECONDS_BETWEEN_BACKUPS)
            except (LabError, OSError) as error:
                event(str(error).splitlines()[0][:150])
    except KeyboardInterrupt:
        print("\nEnding: the exporter, the databases and the folder go …", flush=True)


def _back_up(cluster: Cluster, number: int) -> None:
    repo = 1 + number % 2
    backup_type = "full" if number % BACKUPS_TO_A_FULL < 2 else "incr"
    event(f"{backup_type} backup in repository {repo} …")
    cluster.repository.backup(backup_type, repo)
    event("  … finished")


if __name__ == "__main__":
    sys.exit(main())
