"""The command line: its first word names a subcommand; without one the exporter serves."""

import importlib
import signal
import sys
from collections.abc import Sequence

from exporter.commands import COMMANDS


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    words = list(sys.argv[1:] if argv is None else argv)
    name = words.pop(0) if words and words[0] in COMMANDS else "serve"
    if name == "serve":
        # One that comes before there is somebody to handle it would end us; now it waits, and is a reload.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    # Imported here: a backup that is wrapped should not wait for a web server's libraries.
    command = importlib.import_module(f"exporter.commands.{name.replace('-', '_')}")
    sys.exit(command.main(words))


if __name__ == "__main__":
    main()
