"""`make soak`: an hour of faults at random. It fails where anything leaks, lies, or does not come back."""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.faults import FAULTS
from tests.soak.soak import Soak, random_faults, soaking
from tests.soak.world import world

MIB = 1 << 20
# After the first third the heap has seen everything; what it still grows by would be some of it in a year, too.
MOST_GROWTH = 2 * MIB
MOST_OBJECTS = 500


def main() -> int:
    """Run it; exit code 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    args = parser.parse_args()
    print(f"soak: {args.minutes:g} minutes, seed {args.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder, world(Path(folder, "host"), postgresql=True) as one:
        chance = random.Random(args.seed)
        with soaking(one, chance, every=0.5) as soak:
            return _soak(soak, chance, time.monotonic() + 60 * args.minutes)


def _soak(soak: Soak, chance: random.Random, end: float) -> int:
    soak.begin(sorted(FAULTS))
    print(f"once through all faults: {_figures(soak)}", flush=True)
    told = time.monotonic()
    for name in random_faults(chance):
        if time.monotonic() > end:
            break
        soak.suffer(name)
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(f"{_minutes_left(end)} min left: {_figures(soak)}", flush=True)
    return _verdict(soak)


def _minutes_left(end: float) -> int:
    return max(0, round((end - time.monotonic()) / 60))


def _figures(soak: Soak) -> str:
    assert soak.first
    now = [soak.first, *soak.counted][-1]
    return (
        f"{sum(soak.befell.values())} faults, {soak.judge.scrapes} scrapes, slowest {soak.judge.slowest:.2f} s, "
        f"{len(soak.judge.wrong)} wrong; {now.resident / MIB:.1f} MiB, {now.objects.total()} objects, "
        f"{now.files} files, "
        f"{now.tasks} tasks, {now.threads} threads, {now.children} children; "
        f"slowest recovery {soak.slowest_recovery:.1f} s"
    )


def _verdict(soak: Soak) -> int:
    size, objects, kinds = soak.growth()
    print(f"in all: {_figures(soak)}")
    print(f"growth from the middle third to the last: {size / 1024:.0f} KiB, {objects:.0f} objects")
    print("of which:", kinds.most_common(8))
    for name, times in sorted(soak.befell.items()):
        print(f"  {times:4} {name}")
    print("readings seen:", dict(sorted(soak.judge.seen.items())))
    for line in soak.judge.wrong:
        print(f"WRONG {line}")
    if size > MOST_GROWTH or objects > MOST_OBJECTS:
        print("WRONG it grows")
        return 1
    return 1 if soak.judge.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
