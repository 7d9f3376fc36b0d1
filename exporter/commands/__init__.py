"""The subcommands: each is a module here with `main(argv) -> int`, imported only when it is called."""

from collections.abc import Mapping
from types import MappingProxyType

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "status": "say in words whether each database can be recovered",
        "collect": "read all sources once and write the metrics, for node_exporter's textfile collector",
        "run": "run a pgBackRest command and record how it went",
        "backup": "take a scheduled backup on the one node of a Patroni cluster whose turn it is",
        "restore-test": "prove that a backup restores, and record the result",
    }
)
"""What each does, in a few words for --help. `restore-test` is the module restore_test. None at all: serve."""
