"""Judges every scrape: it is whole, and nothing in it claims to be fresher than it is."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.process.running import Running
from tests.process.scrape import OPENMETRICS, Answer
from tests.soak.world import NEWEST, STANZA, World, seconds

# A machine that is busy with other things delays a reading, its rendering and the scrape itself.
SLACK = 10.0
_MARGIN = 5.0  # exporter.schedule adds it to a reader's own deadline
# One sample of each collector that is there exactly as long as it has a value.
EVIDENCE = {
    "info": "stanza_ok",
    "repository": "repo_size_bytes",
    "patroni": "patroni_has_leader",
    "archiver": "wal_archive_enabled",
    "runs": "run_last_end_timestamp_seconds",
}


@dataclass(slots=True)
class Judge:
    """Keeps what it found wrong."""

    world: World
    scrapes: int = 0
    slowest: float = 0.0
    wrong: list[str] = field(default_factory=list)
    counters: dict[tuple[str, frozenset[tuple[str, str]]], float] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)

    def scrape(self, exporter: Running) -> None:
        """Scrape once; a scrape that fails is as wrong as one that lies."""
        began = time.monotonic()
        self.scrapes += 1
        try:
            # Whole: the parser refuses a body that is cut, and one sample that comes twice.
            answer = exporter.get("/metrics", headers=OPENMETRICS)
            if answer.status != 200:
                raise ValueError(f"{answer.status} {answer.text[:200]}")
            answer.samples()
        except (OSError, ValueError, AssertionError) as error:
            self._finds(f"scrape failed: {error!r}")
            return
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.judge(answer, time.time())

    def judge(self, answer: Answer, now: float) -> None:
        """Look at one scrape of that moment."""
        there = {
            (collector, stanza)
            for collector in EVIDENCE
            for stanza in ("", STANZA)
            if _of(answer, "success", collector, stanza) is not None
        }
        if there != self.world.collectors:
            self._finds(f"collectors: {sorted(there ^ self.world.collectors)} too many or missing")
        for collector, stanza in sorted(there):
            self._judge_age(answer, collector, stanza, now)
        self._judge_truth(answer)
        self._judge_ages(answer, now)
        self._judge_counters(answer)

    def _judge_age(self, answer: Answer, collector: str, stanza: str, now: float) -> None:
        """What is called good was read just now, and what is shown at all is not older than allowed."""
        good = _of(answer, "success", collector, stanza) == 1
        self.seen[f"{collector} {'good' if good else 'failing'}"] += 1
        last = _of(answer, "last_success_timestamp_seconds", collector, stanza)
        age = now - (last or 0)
        turn = seconds(collector, "every") + seconds(collector, "within") + _MARGIN + SLACK
        if good and age > turn:
            self._finds(f"{collector}: called good, but read {age:.1f} s ago")
        shown = bool(answer.names(EVIDENCE[collector]))
        if shown and age > seconds(collector, "stale_after") + turn:
            self._finds(f"{collector}: still shown, but read {age:.1f} s ago")

    def _judge_truth(self, answer: Answer) -> None:
        """What is shown was so when it was read, or later."""
        newest = answer.value("backup_last_completion_timestamp_seconds", **NEWEST)
        if newest is not None:
            self._compare(answer, "info", "", self.world.newest.held_since, newest)
        for member in answer.names("patroni_leader_info", "member"):
            self._compare(answer, "patroni", STANZA, self.world.leader.held_since, member)

    def _compare(
        self,
        answer: Answer,
        collector: str,
        stanza: str,
        held_since: Callable[[object, float], bool],
        shown: object,
    ) -> None:
        last = _of(answer, "last_success_timestamp_seconds", collector, stanza) or 0
        within = seconds(collector, "within") + _MARGIN
        if not held_since(shown, last - within):
            self._finds(
                f"{collector}: {shown} was no longer so when it was read, {time.time() - last:.1f} s ago"
            )

    def _judge_ages(self, answer: Answer, now: float) -> None:
        """An age goes on growing, however old the fact."""
        stop = answer.value("backup_last_completion_timestamp_seconds", **NEWEST)
        age = answer.value("backup_age_seconds", **NEWEST)
        if stop is not None and abs((age or 0) - (now - stop)) > 2 + SLACK:
            self._finds(f"backup_age_seconds is {age}, but the backup ended {now - stop:.1f} s ago")

    def _judge_counters(self, answer: Answer) -> None:
        """Nothing that was counted is lost while the exporter lives."""
        counters = {key: value for key, value in answer.facts().items() if key[0].endswith("_total")}
        for key in sorted(counters.keys() & self.counters.keys(), key=str):
            if counters[key] < self.counters[key]:
                self._finds(f"{key} fell from {self.counters[key]} to {counters[key]}")
        self.counters |= counters

    def _finds(self, what: str) -> None:
        self.wrong.append(f"{time.strftime('%H:%M:%S')} {what}")


def _of(answer: Answer, what: str, collector: str, stanza: str) -> float | None:
    return answer.value(f"exporter_collector_{what}", collector=collector, stanza=stanza)
