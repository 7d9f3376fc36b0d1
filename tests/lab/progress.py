"""Says what is going on, one line a step: on a terminal, in a file and in a CI log alike."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.program import LabError


@contextmanager
def step(text: str) -> Iterator[None]:
    """Print the step, and behind it how long it took; a LabError gets its name."""
    print(f"  {text:<62}", end="", flush=True)
    began = time.monotonic()
    try:
        yield
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        raise
    except LabError as error:
        print(f"failed after {time.monotonic() - began:.1f} s", flush=True)
        raise LabError(f"{text}: {error}") from error
    print(f"{time.monotonic() - began:5.1f} s", flush=True)


def event(text: str) -> None:
    """Print a line with the time of day."""
    print(f"  {time.strftime('%H:%M:%S')}  {text}", flush=True)
