"""`make fuzz`: every reader of foreign bytes, for so many seconds each. What breaks one is kept in build/fuzz."""

import argparse
import random
import re
import shutil
import subprocess  # noqa: TID251 - a fuzzer ends with its process
import sys
from pathlib import Path

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "fuzz"
# A reader that takes longer for one input, in seconds, or more memory, in MiB, is as broken as one that raises.
SLOWEST, LARGEST = 20, 1024


def main() -> int:
    """Fuzz them one after the other; exit code 1 if any input breaks one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=120, help="for each target; default: 120")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 1 << 31))
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="default: all")
    args = parser.parse_args()
    print(f"fuzz: {args.seconds} s each, seed {args.seed}", flush=True)
    names = args.target or list(TARGETS)
    runs, broken = 0, []
    for name in names:
        done, words = _fuzz(name, args.seed, args.seconds)
        runs += done
        if words:
            broken.append(name)
            print(words)
        print(f"  {done:9,} {name}{' BROKEN' if words else ''}", flush=True)
    print(f"{runs:,} inputs, {len(broken)} of {len(names)} broken{': ' if broken else ''}{', '.join(broken)}")
    return 1 if broken else 0


def _fuzz(name: str, seed: int, seconds: int) -> tuple[int, str]:
    """Return how many inputs were tried, and the fuzzer's words where one breaks the target."""
    folder = KEPT / name.replace(" ", "-")
    found, crashes = folder / "found", folder / "crashes"
    shutil.rmtree(crashes, ignore_errors=True)
    found.mkdir(parents=True, exist_ok=True)
    crashes.mkdir()
    for number, data in enumerate(TARGETS[name].seeds()):
        (found / f"seed-{number}").write_bytes(data)
    done = subprocess.run(
        [
            sys.executable, "-m", "tests.fuzz.one", name, f"-seed={seed}", f"-max_total_time={seconds}",
            f"-timeout={SLOWEST}", f"-rss_limit_mb={LARGEST}", "-max_len=65536", f"-artifact_prefix={crashes}/",
            "-print_final_stats=1", str(found),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
    )  # fmt: skip
    tried = re.findall(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
    count = int(tried[-1]) if tried else 0
    return count, "" if done.returncode == 0 and count else f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"


if __name__ == "__main__":
    sys.exit(main())
