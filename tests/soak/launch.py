"""Runs the exporter as it is, and on SIGUSR1 counts what it holds: for what /proc does not tell."""

import asyncio
import gc
import json
import os
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType

from exporter.__main__ import main as command_line

FILE = "CENSUS_FILE"


def _count(_number: int, _frame: FrameType | None) -> None:
    gc.collect()
    objects = Counter(type(one).__qualname__ for one in gc.get_objects())
    census = {
        "tasks": sorted(task.get_name() for task in asyncio.all_tasks()),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "objects": objects,
    }
    path = Path(os.environ[FILE])
    new = path.with_suffix(".new")
    new.write_text(json.dumps(census))
    new.rename(path)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _count)
    command_line(sys.argv[1:])
