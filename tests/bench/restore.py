"""`python -m tests.bench.restore`: what a restore test costs beside pgBackRest's and PostgreSQL's own work."""

from __future__ import annotations

import argparse
import re
import sys
import time
from datetime import datetime

from tests.lab.lab import Lab
from tests.restore.proofs import Proofs

DEMANDED = 0.10
_STARTED = re.compile(r"^(\S+ \S+) GMT \[\d+\] LOG:  starting PostgreSQL", re.MULTILINE)
_STOPPED = re.compile(r"^(\S+ \S+) GMT \[\d+\] LOG:  database system is shut down", re.MULTILINE)
_RESTORED = re.compile(r"restore command end: completed successfully \((\d+)ms\)")
_ROW_BYTES = 260


def own_work(log: str, phases: dict[str, float]) -> float:
    """Return the seconds in which pgBackRest, PostgreSQL or the kernel that removes files were at work."""
    restored, started, stopped = _RESTORED.search(log), _STARTED.search(log), _STOPPED.search(log)
    if not (restored and started and stopped):
        raise RuntimeError(f"the log does not tell how long things took:\n{log}")
    span = datetime.fromisoformat(stopped[1]) - datetime.fromisoformat(started[1])
    return int(restored[1]) / 1000 + span.total_seconds() + phases["checksums"] + phases["clean_up"]


def main() -> int:
    """Run one test of a cluster of that size; exit code 1 when it is not proven."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.restore", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=500, help="size of the database, default 500")
    megabytes = parser.parse_args().megabytes
    rows = megabytes * 1_000_000 // _ROW_BYTES
    with Lab() as lab:
        stanza = lab.stanza("bench")
        words = "select n id, repeat(md5(n::text), 6) words"
        stanza.cluster.sql(f"create table big as {words} from generate_series(1, {rows}) n")
        stanza.backup("full")
        stanza.cluster.sql(f"create table more as {words} from generate_series(1, {rows // 4}) n")
        stanza.switch_wal()
        proofs = Proofs(lab)
        began = time.monotonic()
        outcome = proofs.run(stanza, "--target=latest")
        wall = time.monotonic() - began
        if outcome.code:
            print(outcome.said, file=sys.stderr)
            return 1
        record = outcome.record
        log = (proofs.records(stanza)[-1].parent / record["log"]).read_text()
    overhead = (wall - own_work(log, record["phases"])) / wall
    size = f"{record['restored_bytes'] / 1e6:.0f} MB restored, {record['replayed_wal_bytes'] / 1e6:.0f} MB of WAL"
    print(f"restore test: {size}, {wall:.1f} s")
    for phase, seconds in record["phases"].items():
        print(f"  {phase:<10} {seconds:7.2f} s")
    verdict = "met" if overhead <= DEMANDED else "MISSED"
    print(
        f"  beside pgBackRest's and PostgreSQL's own work: {overhead:.1%}, demanded ≤ {DEMANDED:.0%}: {verdict}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
