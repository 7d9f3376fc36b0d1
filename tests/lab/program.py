"""Run one program for the lab; when it fails, its own words are the error."""

import os
import shutil
import signal
import subprocess  # noqa: TID251 - the lab is outside the exporter, whose process.py it must not depend on
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class LabError(Exception):
    """A step of the lab failed; the text names the program and repeats what it said."""


def find(name: str, remedy: str) -> str:
    """The path of a program, or one line that says how to get it."""
    path = shutil.which(name)
    if path is None:
        raise LabError(f"{name} is not installed: {remedy}")
    return path


def run(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, within: float = 180, stdin: str = ""
) -> str:
    """Standard output of a program that must succeed within so many seconds.

    It has a session of its own: Ctrl-C at the terminal reaches only us, and the lab is taken down in order.
    """
    with subprocess.Popen(
        argv,
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as child:
        try:
            stdout, stderr = child.communicate(stdin, timeout=within)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            raise LabError(f"{shown(argv)} did not finish within {within:g} s") from None
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
    if child.returncode:
        words = "\n".join(part.strip() for part in (stderr, stdout) if part.strip())
        raise LabError(
            f"{shown(argv)} failed with exit code {child.returncode}:\n{words or 'it said nothing'}"
        )
    return stdout


def until(holds: Callable[[], object], *, within: float, what: str, every: float = 0.05) -> None:
    """Wait until a condition holds; after `within` seconds an error says what was waited for."""
    deadline = time.monotonic() + within
    while not holds():
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not within {within:g} s")
        time.sleep(every)  # noqa: TID251 - there is no event loop here


def shown(argv: Sequence[str]) -> str:
    """The command as a person would write it, without what changes the account."""
    words = [
        word for word in argv if not word.startswith(("setpriv", "--reuid", "--regid", "--clear-groups"))
    ]
    return " ".join([Path(words[0]).name, *words[1:]])
