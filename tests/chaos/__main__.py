"""`make chaos`: what may befall a host, one after the other. It fails where anything is lost, lies or leaks."""

import argparse
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.chaos.clock import clock_jumps
from tests.chaos.crowd import crowd
from tests.chaos.disk import full_disk
from tests.chaos.flapping import flapping
from tests.chaos.kills import kills

Scene = Callable[[Path, random.Random], str]
SCENES: Mapping[str, Scene] = {
    "kill -9 at random": kills,
    "full disk": full_disk,
    "clock jumps": clock_jumps,
    "a thousand connections": crowd,
    "PostgreSQL and Patroni flap": flapping,
}


def main() -> int:
    """Play all scenes; exit code 1 if any went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--scene", action="append", choices=sorted(SCENES), help="default: all")
    args = parser.parse_args()
    print(f"chaos: seed {args.seed}", flush=True)
    return max(_play(name, args.seed) for name in args.scene or SCENES)


def _play(name: str, seed: int) -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            words, code = SCENES[name](Path(folder, "host"), random.Random(seed)), 0
        except Exception:
            words, code = traceback.format_exc(), 1
    print(f"{'WRONG' if code else 'ok':5} {name} ({time.monotonic() - began:.0f} s): {words}", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
