"""JSON files that are replaced whole: a reader sees the old one or the new one, even after a power loss."""

import json
import math
import os
from pathlib import Path
from typing import Any

MOST_BYTES = 16 * 1024 * 1024
"""Nothing of ours is larger: what is, was not written by us."""


def write(path: Path, document: Any, *, mode: int = 0o640) -> None:
    """Replace *path* at one stroke, flushed to the disk. Raises OSError."""
    encoded = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    replace(path, encoded, mode=mode)


def replace(path: Path, encoded: bytes, *, mode: int = 0o640) -> None:
    """Replace *path* like write, by a document that is encoded already. Raises OSError."""
    # Hidden from readers until it is whole; the pid keeps two writers apart.
    new = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)  # whatever the umask
            file.write(encoded)
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    flush(path.parent)


def flush(folder: Path) -> None:
    """Flush the names of a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> Any:
    """Return the document. Raises OSError, or ValueError where the file is cut, too large or no JSON."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(MOST_BYTES + 1) or b""
    if len(data) > MOST_BYTES:
        raise ValueError(f"{path}: more than {MOST_BYTES >> 20} MiB: not one of ours")
    try:
        return json.loads(data, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: no JSON, or cut off: {error}") from None


def _finite(text: str) -> float:
    """Refuse what `write` refuses: NaN, Infinity, and numbers that are too large not to become it."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is no number")
    return number
