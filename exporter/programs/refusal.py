"""Why the system did not start a program, in words that tell what to do."""

import contextlib
import errno
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_EXHAUSTED: Final = {
    errno.EMFILE: "this process has too many files open: raise its limit (ulimit -n, LimitNOFILE=)",
    errno.ENFILE: "this machine has too many files open: raise fs.file-max",
    errno.EAGAIN: "too many processes: raise the limit (ulimit -u, TasksMax=, pids.max)",
    errno.ENOMEM: "no memory is left: free some or raise the limit (MemoryMax=)",
    errno.E2BIG: "its arguments and the environment are too long: shorten them",
}


def explain(name: str, env: Mapping[str, str] | None, error: OSError | ValueError) -> tuple[bool, str]:
    """Return whether the command itself is at fault, and one line with a remedy.

    It names what the system's two words leave open: with ENOENT it may be the program or its interpreter.
    """
    number = error.errno if isinstance(error, OSError) else None
    if number in _EXHAUSTED:
        return False, f"{name}: not started, {_EXHAUSTED[number]}"
    path = (os.environ if env is None else env).get("PATH", os.defpath)
    found = shutil.which(name, path=path)
    if number in (errno.ENOENT, errno.ENOTDIR) and found:
        fault = f"{found}: its interpreter {_interpreter(found)} is missing: install that"
    elif number in (errno.ENOENT, errno.ENOTDIR):
        fault = f"{name}: {'no such file' if '/' in name else f'not found on PATH ({path})'}: install it"
    elif number == errno.EACCES:
        fault = f"{name}: may not be executed by user {os.geteuid()}: allow it"
    elif number == errno.ENOEXEC:
        fault = f"{found or name}: no program for this machine, and no script beginning with #!: replace it"
    else:
        fault = f"{name!r}: cannot be started ({getattr(error, 'strerror', None) or error}): check it"
    return True, f"{fault} or correct the command"


def _interpreter(program: str) -> str:
    with contextlib.suppress(OSError), Path(program).open("rb") as file:
        first = file.readline(256).decode(errors="replace")
        if first.startswith("#!"):
            return repr(first[2:].strip())
    return "or loader"
