"""The tables, on the terminal and as Markdown."""

from __future__ import annotations

import math
import os
import platform
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from tests.bench.documents import Size
from tests.bench.measure import Measured
from tests.bench.targets import Target, targets

COLUMNS = ("exporter", "nginx", "peer")
Unit = Callable[[float], str]
Fact = tuple[str, float | None, Unit]


def seconds(value: float) -> str:
    """A duration in the unit that reads best."""
    if value < 1e-3:
        return f"{value * 1e6:.0f} µs"
    return f"{value * 1e3:.3g} ms" if value < 1 else f"{value:.3g} s"


def mebibytes(value: float) -> str:
    """MiB, whole."""
    return f"{value:,.0f} MiB"


def _bytes(value: float) -> str:
    for unit in ("B", "KB", "MB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} GB"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _scrape_facts(measured: Measured) -> Iterator[Fact]:
    for mode, scrapes in measured.scrapes.items():
        yield f"scrape, {mode}: median", scrapes.median, seconds
        yield f"scrape, {mode}: p99", scrapes.p99, seconds
        yield f"scrape, {mode}: longest", max(scrapes.seconds), seconds
        yield f"scrape, {mode}: min", min(scrapes.seconds), seconds
        yield f"scrape, {mode}: CPU", scrapes.cpu_each, seconds
        yield f"scrape, {mode}: size", scrapes.size, _bytes
        yield f"scrape, {mode}: how many", len(scrapes.seconds), _count


def _collection_facts(measured: Measured) -> Iterator[Fact]:
    for change, cost in measured.collection_cpu.items():
        yield f"collection, {change}: CPU", cost, seconds
    for change, cost in measured.collection_cpu_scraped.items():
        yield f"collection, {change}: CPU, with what it leaves to its first scrape", cost, seconds
    yield "RSS after collections, never scraped", measured.rss_collected, mebibytes
    yield "RSS after scrapes", measured.rss_scraped, mebibytes
    yield "peak RSS, collecting and scraping at once", measured.peak, mebibytes


def _load_facts(measured: Measured) -> Iterator[Fact]:
    for mode, scrapes in measured.busy.items():
        yield f"scrape while collecting, {mode}: longest", max(scrapes.seconds), seconds
        yield f"scrape while collecting, {mode}: median when calm", measured.calm[mode], seconds
        yield f"scrape while collecting, {mode}: how many", len(scrapes.seconds), _count
    if measured.busy:
        yield "scrape while collecting: incomplete", measured.incomplete, _count
        yield "scrape while collecting: collections", measured.collections, _count
    yield "small answer while collecting: longest", measured.held_up, seconds
    yield "start to first full scrape", measured.start, seconds


def _facts(measured: Measured) -> dict[str, tuple[float, Unit]]:
    facts = (*_scrape_facts(measured), *_collection_facts(measured), *_load_facts(measured))
    return {title: (value, unit) for title, value, unit in facts if value is not None}


def table(results: Mapping[str, Measured]) -> Iterator[tuple[str, ...]]:
    """A row for each fact about the exporter, the header first; the last columns are ratios to the others."""
    others = [name for name in COLUMNS[1:] if name in results]
    yield ("", COLUMNS[0], *others, *(f"/ {name}" for name in others))
    facts = {name: _facts(results[name]) for name in results}
    for title, (own, unit) in facts[COLUMNS[0]].items():
        values = [facts[name].get(title, (None, unit))[0] for name in others]
        ratios = [_ratio(own, value) if unit in (seconds, mebibytes) else "" for value in values]
        yield (title, unit(own), *("" if value is None else unit(value) for value in values), *ratios)


def _ratio(own: float | None, other: float | None) -> str:
    return "" if own is None or not other else f"{own / other:.2g}x"


def _verdict(target: Target) -> tuple[str, str, str, str]:
    words = {True: "met", False: "MISSED", None: "not compared (needs --peer)"}
    value = "" if target.value is None or math.isnan(target.value) else f"{target.value:.3g}{target.unit}"
    return (target.what, value, f"≤ {target.limit:g}{target.unit}", words[target.met])


def verdicts(size: Size, results: Mapping[str, Measured]) -> Iterator[tuple[str, ...]]:
    """Each demand with its value, the header first."""
    yield ("target", "is", "demanded", "")
    yield from map(_verdict, targets(size, results))


def text(rows: Sequence[Sequence[str]]) -> str:
    """Columns for the terminal."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        (
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join("  ".join(line).rstrip() for line in lines)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """The same as a Markdown table."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|---" + "|--:" * (len(rows[0]) - 1) + "|")
    return "\n".join(lines)


def machine() -> str:
    """Date, processor, cores, memory and the versions that matter."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    libraries = ", ".join(f"{name} {version(name)}" for name in ("aiohttp", "orjson", "msgspec", "isal"))
    gib = int(memory[1]) / 1024**2 if memory else math.nan
    processor = cpu[1] if cpu else platform.machine()
    return (
        f"{time.strftime('%Y-%m-%d')}, {processor}, {os.cpu_count()} cores, {gib:.0f} GiB, "
        f"Linux {'.'.join(platform.release().split('.')[:2])}, Python {platform.python_version()}, {libraries}"
    )


_METHOD = """# Benchmarks

Written by `make bench` (`python -m tests.bench --markdown FILE`; `--peer BINARY` adds the last column). {machine}

- The data: `tests/bench/documents.py`, a weekly full, a daily diff and three incr a day in two repositories, the
  second block incremental. All per-backup series are on. pgBackRest is a stand-in that prints a file.
- Scrapes: one kept connection from another process on the same host, the body drained and forgotten; the servers
  take turns in one interleaved run while nothing is collected. nginx serves the exporter's own bytes as a static
  file (`sendfile`, `gzip_static`, one worker).
- CPU: the process's own CPU clock, user and system, children excluded. A collection lasts from the begin of one
  `info` to the begin of the next, once a second, so the cost of starting the child and all that is put off count.
  "what it leaves to its first scrape" adds one scrape to each collection and takes off what a scrape costs anyway.
- Peak and "while collecting": scrapes back to back, every fifth compressed, while each collection, one a second,
  finds another document. The longest wait is the longest such scrape less the median of calm ones: where 126 MB are
  copied it also holds what the machine does meanwhile, as "longest" of scrapes side by side does. A small answer
  (`/-/healthy`) waits for nothing but the event loop.
"""


def chapter(versions: str, sizes: Sequence[str]) -> str:
    """The whole Markdown file: how it was measured, on what, and the tables of each size."""
    return _METHOD.format(machine=versions + ".") + "\n" + "\n".join(sizes)
