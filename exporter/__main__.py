"""The command line: its first word names a subcommand; without one the exporter serves."""

import gc
import importlib
import signal
import sys
from collections.abc import Sequence
from types import ModuleType

from exporter.commands import COMMANDS


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    words = list(sys.argv[1:] if argv is None else argv)
    name = words.pop(0) if words and words[0] in COMMANDS else "serve"
    if name == "serve":
        # One that comes before there is somebody to handle it would end us; now it waits, and is a reload.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    sys.exit(_load(name).main(words))


def _load(name: str) -> ModuleType:
    """Import a command, and only that: a backup that is wrapped should not wait for a web server's libraries."""
    # Hardly anything of modules is garbage: searches for it would take a fifth of the time, and after a freeze
    # modules stay out of all that come later.
    gc.disable()
    try:
        return importlib.import_module(f"exporter.commands.{name.replace('-', '_')}")
    finally:
        gc.freeze()
        gc.enable()


if __name__ == "__main__":
    main()
