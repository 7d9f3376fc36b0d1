"""An exporter with every source that it can have, and facts behind them that change all the time."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.site import Site
from tests.postgresql.node import Node, role
from tests.process.conftest import CORPUS
from tests.process.host import Host
from tests.soak import census
from tests.soak.neighbours import Neighbours, neighbours
from tests.soak.truth import Truth
from tests.standin.tree import Tree

STANZA = "demo"
NEWEST = {"stanza": STANZA, "repo": "1", "backup_type": "incr"}
"""The labels of the newest backup."""
PATRONI = "4.1.5"
SCENES = ("switched", "failed_over")
LEADERS = {"switched": "pg2", "failed_over": "pg3"}
CADENCES: dict[str, dict[str, str]] = {
    "info": {"every": "1s", "within": "2s", "stale_after": "10s"},
    "repository": {"every": "2s", "within": "4s", "stale_after": "20s"},
    "runs": {"every": "1s", "within": "2s", "stale_after": "10s"},
    "archiver": {"every": "1s", "within": "4s", "stale_after": "10s"},
    "patroni": {"every": "1s", "within": "1s", "stale_after": "10s"},
}
_CONF = "[global]\nrepo1-path={folder}/repository\n[demo]\npg1-path=/pg/demo\n"


def seconds(collector: str, what: str) -> float:
    """One of the cadences as a number."""
    return float(CADENCES[collector][what].removesuffix("s"))


@dataclass(slots=True)
class World:
    """Its facts, and where they are told."""

    host: Host
    neighbours: Neighbours
    server: Node | None = None
    server_runs: bool = True
    newest: Truth = field(default_factory=Truth)
    leader: Truth = field(default_factory=Truth)
    turns: int = 0

    @property
    def logs(self) -> Path:
        return self.host.folder / "logs"

    @property
    def census(self) -> Path:
        return self.host.folder / "census.json"

    @property
    def collectors(self) -> set[tuple[str, str]]:
        """Those that the exporter has to run."""
        of_the_stanza = {("repository", STANZA), ("patroni", STANZA)} | (
            {("archiver", STANZA)} if self.server else set()
        )
        return {("info", ""), ("runs", "")} | of_the_stanza

    def furnish(self) -> None:
        """Make everything that is there before the exporter starts."""
        self.logs.mkdir()
        (self.host.folder / "state").mkdir()
        self.host.writes("pgbackrest.conf", _CONF.format(folder=self.host.folder))
        self.settle()
        self.host.variables |= census.environment(self.census)
        tree = Tree(self.host.standin)
        for number in range(1, 0x21):
            tree.segment(f"0000000100000000{number:08X}", int(time.time()) - 86_400 + number)
        tree.show()
        self.turn()

    def settle(self) -> None:
        """Write the settings that the exporter is to have."""
        stanza: dict[str, object] = {"patroni": [self.neighbours.member.url]}
        if self.neighbours.relay:
            stanza["postgresql"] = f"{self.neighbours.relay.conninfo} dbname=postgres"
        own: dict[str, dict[str, object]] = {name: {**values} for name, values in CADENCES.items()}
        own["repository"]["enabled"] = own["runs"]["enabled"] = True
        own["runs"]["log_path"] = str(self.logs)
        own["archiver"]["enabled"] = self.server is not None
        self.host.sets(state_path=str(self.host.folder / "state"), stanzas={STANZA: stanza}, **own)

    def turn(self) -> None:
        """Let time go on: another backup, another leader, another run in the log."""
        self.turns += 1
        stop = max(int(time.time()), int(str(self.newest.now or 0)) + 1 if self.turns > 1 else 0)
        self.newest.becomes(stop)
        self.host.standin.prints(_document(stop))
        scene = SCENES[self.turns % 2]
        self.leader.becomes(LEADERS[scene])
        self.neighbours.member.tells(PATRONI, scene)
        if self.logs.is_dir():
            with (self.logs / f"{STANZA}-backup.log").open("a") as log:
                log.write(_run(stop, self.turns))
        if self.server and self.server_runs:
            self.server.switch_wal()


def _document(stop: int) -> bytes:
    """A genuine document whose newest backup ended at *stop*."""
    document = json.loads((CORPUS / "full_diff_incr.json").read_bytes())
    newest = max(document[0]["backup"], key=lambda backup: backup["timestamp"]["stop"])
    newest["timestamp"] = {"start": stop - 1, "stop": stop}
    return json.dumps(document).encode()


def _run(stop: int, number: int) -> str:
    """A genuine run, at another time."""
    block = (CORPUS / "logs" / "demo-backup.log").read_text().split("\n\n")[0]
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(stop))
    lines = [f"{at}{line[19:]}" if line.startswith("2026-11-22") else line for line in block.splitlines()]
    return "\n".join(lines).replace("1955-c311f988", f"{number}-c311f988").replace("4226ms", "224ms") + "\n\n"


@contextmanager
def world(folder: Path, *, postgresql: bool) -> Iterator[World]:
    """Furnish one; at the end nothing of it is left."""
    with ExitStack() as stack:
        server = None
        if postgresql:
            server = Node("server", stack.enter_context(Site()))
            server.make()
            server.sql(role())
        beside = stack.enter_context(neighbours(server.socket if server else None))
        host = Host(folder)
        stack.callback(host.leave)
        one = World(host, beside, server)
        one.furnish()
        yield one
