"""Back-fills a Prometheus data folder with the invented fleet's past, by promtool."""

import subprocess  # noqa: TID251 - promtool is a tool of the tests
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.dashboards.fleet import Fleet, Key
from tests.lab.program import find

HOUR = 3600
# Of Prometheus' database: promtool reads its whole input again for each, so there is one input file a block.
BLOCK = 2 * HOUR
LONG_BLOCK = 54 * HOUR  # to which Prometheus itself compacts the past of a month
# What is not greater than this is a state or a count: it jumps. All else moves from hour to hour in a straight line.
STATE_AT_MOST = 9


def backfill(fleet: Fleet, folder: Path, *, start: int, end: int, step: int) -> None:
    """Write blocks for [start, end), each second as the fleet says."""
    for begin in range(start - start % BLOCK, end, BLOCK):
        seconds = range(max(begin, start - start % step), min(begin + BLOCK, end), step)
        _import(folder, BLOCK, lines(fleet, seconds))


def backfill_hourly(fleet: Fleet, folder: Path, *, start: int, end: int, step: int) -> None:
    """Write long blocks for [start, end): the fleet is asked every hour only, a tenth of the work."""
    for begin in range(start - start % LONG_BLOCK, end, LONG_BLOCK):
        hours = range(max(begin, start - start % HOUR), min(begin + LONG_BLOCK, end), HOUR)
        _import(folder, LONG_BLOCK, gliding(fleet, hours, step))


def _import(folder: Path, block: int, text: Iterable[str]) -> None:
    promtool = find("promtool", "apt-get install prometheus")
    path = folder.with_name(folder.name + ".openmetrics")
    with path.open("w") as file:
        file.writelines(text)
    words = ("create-blocks-from", "openmetrics", "--quiet", f"--max-block-duration={block}s")
    subprocess.run(
        (promtool, "tsdb", *words, str(path), str(folder)), check=True, capture_output=True, timeout=600
    )
    path.unlink()


def gliding(fleet: Fleet, hours: range, step: int) -> Iterator[str]:
    """As `lines`, hour after hour, and without the types, which promtool does not need."""
    now = dict(fleet.at(hours.start))
    for hour in hours:
        following = dict(fleet.at(hour + HOUR))
        stamps = range(hour, hour + HOUR, step)
        ends = [f" {stamp}\n" for stamp in stamps]
        for (name, labels), value in now.items():
            inside = ",".join(f'{label}="{text}"' for label, text in labels)
            head = f"{name}{{{inside}}} "
            after = following.get((name, labels), value)
            if value == after or max(value, after) <= STATE_AT_MOST:
                same = f"{head}{float(value):.12g}"
                yield same + same.join(ends)
            else:
                rise = (after - value) / len(ends)
                yield "".join(f"{head}{value + rise * at:.12g}{end}" for at, end in enumerate(ends))
        now = following
    yield "# EOF\n"


def lines(fleet: Fleet, seconds: range) -> Iterator[str]:
    """OpenMetrics: all samples of a series together, all series of a family together."""
    found: dict[str, dict[Key, list[str]]] = defaultdict(dict)
    for second in seconds:
        for key, value in fleet.at(second):
            found[key[0]].setdefault(key, []).append(f"{float(value):.12g} {second}\n")
    for family, series in sorted(found.items()):
        yield f"# TYPE {family.removesuffix('_total')} {'counter' if family.endswith('_total') else 'gauge'}\n"
        for (name, labels), samples in series.items():
            inside = ",".join(f'{label}="{value}"' for label, value in labels)
            head = f"{name}{{{inside}}} "
            yield from (head + sample for sample in samples)
    yield "# EOF\n"
