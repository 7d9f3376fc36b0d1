"""Runs the command line as the lab's account, also where only root may read the project: it is imported first."""

import importlib
import os
import pkgutil
import sys

import exporter.commands.restore_test
import exporter.restore
from exporter.__main__ import main as command_line


def main() -> None:
    """Take the uid, the gid and the command line's words from argv."""
    uid, gid, *words = sys.argv[1:]
    for module in pkgutil.walk_packages(exporter.restore.__path__, "exporter.restore."):
        importlib.import_module(module.name)
    if os.geteuid() == 0 and uid != "0":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    command_line(words)


if __name__ == "__main__":
    main()
