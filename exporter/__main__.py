"""The command line: its first word names a subcommand; without one the exporter serves."""

import importlib
import sys
from collections.abc import Sequence

from exporter.commands import COMMANDS


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    words = list(sys.argv[1:] if argv is None else argv)
    name = words.pop(0) if words and words[0] in COMMANDS else "serve"
    # Imported here: a backup that is wrapped should not wait for a web server's libraries.
    command = importlib.import_module(f"exporter.commands.{name.replace('-', '_')}")
    sys.exit(command.main(words))


if __name__ == "__main__":
    main()
