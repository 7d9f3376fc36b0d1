"""Back-fills a Prometheus data folder with the invented fleet's past, by promtool."""

import subprocess  # noqa: TID251 - promtool is a tool of the tests
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.dashboards.fleet import Fleet, Key
from tests.lab.program import find

BLOCK = 2 * 3600  # of Prometheus' database: promtool reads its whole input again for each


def backfill(fleet: Fleet, folder: Path, *, start: int, end: int, step: int) -> None:
    """Write blocks for [start, end): one input file a block, aligned as the blocks are."""
    promtool = find("promtool", "apt-get install prometheus")
    text = folder.with_name(folder.name + ".openmetrics")
    for begin in range(start - start % BLOCK, end, BLOCK):
        seconds = range(max(begin, start - start % step), min(begin + BLOCK, end), step)
        with text.open("w") as file:
            file.writelines(lines(fleet, seconds))
        subprocess.run(
            (promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(text), str(folder)),
            check=True,
            capture_output=True,
            timeout=300,
        )
    text.unlink(missing_ok=True)


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
