"""A small disk that is soon full; only root can mount it."""

import subprocess  # noqa: TID251 - mounting is a program
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def small(path: Path, size: str) -> Iterator[Path]:
    """Mount a filesystem of that size at an empty folder, for a while."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "lab", str(path)], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
