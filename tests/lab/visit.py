"""A laboratory that is shown to a person: how `make demo` and `make cluster` begin, end and fail."""

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack

from tests.lab.program import LabError


def visit(show: Callable[[ExitStack, bool], None], *, target: str, module: str, about: str | None) -> int:
    """Return the exit code: 0, 1 with the failed step's own words, 130 when interrupted before it was ready.

    *show* is told whether it is to end by itself (--once); what it enters is left again in any case.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=about)
    parser.add_argument("--once", action="store_true", help="print what is seen and the scrape, and end")
    once = parser.parse_args().once
    try:
        return _visit(show, target, once)
    except BrokenPipeError:
        # `make demo ONCE=1 | head` has seen enough; the interpreter's own last flush must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _visit(show: Callable[[ExitStack, bool], None], target: str, once: bool) -> int:
    try:
        with ExitStack() as stack:
            show(stack, once)
    except LabError as error:
        print(f"\nmake {target} failed: {error}\nEverything has been removed.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Everything has been removed.")
        return 130
    print("\nEverything has been removed.")
    return 0
