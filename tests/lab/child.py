"""A server that runs beside the tests: started, waited for until it answers, ended; its log is the error."""

import os
import signal
import subprocess  # noqa: TID251 - the lab is outside the exporter, whose process.py it must not depend on
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.lab.program import LabError, shown, until


class Child:
    """Started when made, in a session of its own: Ctrl-C reaches only us, and we end it in order."""

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path) -> None:
        self._name = shown(argv).split()[0] if "-m" not in argv else argv[argv.index("-m") + 1]
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                argv,
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def log(self) -> str:
        """Everything it has printed."""
        return self._log.read_text(errors="replace")

    def check_alive(self) -> None:
        """LabError with its last words when it has ended by itself."""
        code = self._process.poll()
        if code is not None:
            raise LabError(f"{self._name} ended with exit code {code}:\n{self.log[-4000:].strip()}")

    def wait_until(self, answers: Callable[[], object], *, what: str, within: float = 30) -> None:
        """Until `answers()` is true, taking a connection that fails for a "not yet"."""
        until(lambda: self._answers(answers), within=within, what=f"{what}\n{self.log[-4000:]}")

    def listens_at(self, port: int) -> bool:
        """Whether it is this very process that listens there, and not one that was faster."""
        rows = (line.split() for line in Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:])
        inodes = {row[9] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port}
        links = (str(file.readlink()) for file in Path(f"/proc/{self.pid}/fd").iterdir())
        return not inodes.isdisjoint(link[len("socket:[") : -1] for link in links)

    def ends_within(self, seconds: float) -> bool:
        """Whether it ends by itself within that time."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, *, within: float = 5) -> int:
        """SIGTERM; its exit code (-9: it had to be killed after so many seconds)."""
        if self._process.poll() is None:
            self._process.terminate()
        if not self.ends_within(within):
            os.killpg(self.pid, signal.SIGKILL)
        return self._process.wait()

    def kill(self) -> None:
        """SIGKILL to it alone; nothing when it has ended."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _answers(self, answers: Callable[[], object]) -> object:
        self.check_alive()
        try:
            return answers()
        except OSError:  # urllib.error.URLError is one
            return False
