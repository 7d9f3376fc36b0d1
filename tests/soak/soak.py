"""Faults one after the other while the exporter is scraped all the time; what it holds is counted in between."""

import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from threading import Event, Thread

from tests.process.running import Running
from tests.process.waiting import until
from tests.soak import census
from tests.soak.census import Census
from tests.soak.faults import FAULTS, befalls
from tests.soak.judge import Judge
from tests.soak.world import NEWEST, World

RECOVERY = 60.0
"""Seconds until all works again after a fault; on an idle machine it takes five."""

_LOOKS = 8


@dataclass(slots=True)
class Soak:
    """One run on a world."""

    world: World
    exporter: Running
    judge: Judge
    chance: random.Random
    shortest: float = 0.5
    longest: float = 4.0
    befell: Counter[str] = field(default_factory=Counter)
    counted: list[Census] = field(default_factory=list)
    first: Census | None = None
    slowest_recovery: float = 0.0

    def begin(self, faults: Sequence[str]) -> None:
        """Go once through all faults: afterwards everything has been used, and what there is then is the measure."""
        self.recovers("the start")
        for name in faults:
            self.suffer(name)
        self.first = self._rest()

    def suffer(self, name: str) -> None:
        """Let one fault come and go, and see that all is as before."""
        self.befell[name] += 1
        with befalls(name, self.world, self.exporter, self.chance):
            self.world.turn() if "patroni" not in name else None
            time.sleep(self.chance.uniform(self.shortest, self.longest))  # noqa: TID251 - there is no event loop here
        self.world.turn()
        self.recovers(name)
        if self.first:
            self.counted.append(self.count())

    def recovers(self, what: str) -> None:
        """Wait until every collector works and tells the facts of now."""
        began = time.monotonic()
        until(
            self._all_is_well,
            lambda: f"all is well after {what}: {self._ill()}\n{self.exporter.log[-3000:]}",
            RECOVERY,
        )
        self.slowest_recovery = max(self.slowest_recovery, time.monotonic() - began)

    def _all_is_well(self) -> bool:
        return not self._ill()

    def _ill(self) -> str:
        assert self.exporter.process.poll() is None, self.exporter.log[-4000:]
        answer = self.exporter.scrape()
        newest = answer.value("backup_last_completion_timestamp_seconds", **NEWEST)
        bad = [
            collector
            for collector, stanza in self.world.collectors
            if answer.value("exporter_collector_success", collector=collector, stanza=stanza) != 1
        ]
        leaders = answer.names("patroni_leader_info", "member")
        if newest != self.world.newest.now:
            bad.append(f"the newest backup is {newest}, not {self.world.newest.now}")
        if leaders != {self.world.leader.now}:
            bad.append(f"the leader is {leaders}, not {self.world.leader.now}")
        return ", ".join(bad)

    def _rest(self) -> Census:
        """The most that there is while nothing goes on but readings, which open and close things all the time."""
        quiet: list[Census] = []

        def looked() -> bool:
            now = census.take(self.exporter, self.world.census)
            quiet.extend([now] if now.quiet else [])
            return len(quiet) >= _LOOKS

        until(looked, lambda: f"{_LOOKS} quiet moments, not {len(quiet)}", RECOVERY)
        return max(quiet, key=lambda one: (one.files, one.tasks, one.threads))

    def count(self) -> Census:
        """Count when nothing goes on; what stays more than at first is a leak."""
        found = census.take(self.exporter, self.world.census)

        def back() -> bool:
            nonlocal found
            found = census.take(self.exporter, self.world.census)
            return found.quiet and not (self.first and found.exceeds(self.first))

        until(
            back,
            lambda: f"{found.exceeds(self.first or found)} more: {found.names - (self.first or found).names}",
            RECOVERY,
        )
        return found

    def growth(self) -> tuple[float, float, Counter[str]]:
        """By how many bytes and objects the last third of all counts is above the one before, and by which."""
        third = len(self.counted) // 3
        if not third:
            return 0.0, 0.0, Counter()
        before, after = self.counted[third : 2 * third], self.counted[-third:]
        return (
            median(one.resident for one in after) - median(one.resident for one in before),
            median(one.objects.total() for one in after) - median(one.objects.total() for one in before),
            after[-1].objects - before[0].objects,
        )


@contextmanager
def soaking(world: World, chance: random.Random, every: float) -> Iterator[Soak]:
    """Start an exporter there that is scraped *every* so many seconds until the block ends."""
    exporter = world.host.start(command=(sys.executable, "-m", "tests.soak.launch")).until_ready()
    judge, over = Judge(world), Event()

    def scrape() -> None:
        while not over.wait(every):
            judge.scrape(exporter)

    thread = Thread(target=scrape)
    soak = Soak(world, exporter, judge, chance)
    soak.recovers("the start")
    thread.start()
    try:
        yield soak
    finally:
        over.set()
        thread.join()


def random_faults(chance: random.Random) -> Iterator[str]:
    """Any of them, for ever."""
    while True:
        yield chance.choice(sorted(FAULTS))
