"""One running exporter: asked over HTTP, watched through its log and /proc, ended by a signal."""

import os
import re
import signal
import subprocess  # noqa: TID251 - the exporter is started as an operator starts it
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.process import proc
from tests.process.scrape import Answer, Samples, ask
from tests.process.waiting import until


class Running:
    """A started exporter; *log* is the file that takes its stderr."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.pid = process.pid
        self._log = log
        self._port: int | None = None

    @property
    def log(self) -> str:
        return self._log.read_text(errors="surrogateescape")

    def logged(self, pattern: str) -> list[str]:
        """The log's lines in which the pattern is found."""
        return [line for line in self.log.splitlines() if re.search(pattern, line)]

    @property
    def port(self) -> int:
        """Where it listens; waits for that."""
        if self._port is None:
            self.until(lambda: proc.listening(self.pid), "it listens")
            self._port = proc.listening(self.pid)[0]
        return self._port

    def get(self, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
        return ask(("127.0.0.1", self.port), path, method=method, headers=headers)

    def scrape(self) -> Answer:
        answer = self.get("/metrics")
        assert answer.status == 200, answer.text
        return answer

    def value(self, name: str, **labels: str) -> float | None:
        return self.scrape().value(name, **labels)

    @property
    def page(self) -> str:
        answer = self.get("/")
        assert answer.status == 200, answer.text
        return answer.text

    def collector(self, what: str, stanza: str = "") -> float | None:
        return self.value(f"exporter_collector_{what}", collector="info", stanza=stanza)

    def works(self, stanza: str = "") -> bool:
        return self.collector("success", stanza) == 1

    def fails(self, times: int = 1, stanza: str = "") -> bool:
        """Whether the last reading failed, and so many did."""
        answer = self.scrape()
        errors = answer.value("exporter_collector_errors_total", collector="info", stanza=stanza) or 0
        return (
            answer.value("exporter_collector_success", collector="info", stanza=stanza) == 0
            and errors >= times
        )

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait; an exporter that has ended by itself is told at once."""
        until(lambda: self._alive() and condition(), lambda: f"{what}\n{self.log[-4000:]}")

    def until_ready(self) -> "Running":
        self.until(lambda: self.get("/-/ready").status == 200, "it is ready")
        return self

    def _alive(self) -> bool:
        code = self.process.poll()
        assert code is None, f"the exporter ended by itself with exit code {code}:\n{self.log[-4000:]}"
        return True

    def gets(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> float:
        """End it by that signal, which must give exit code 0; the seconds that it took."""
        began = time.monotonic()
        self.gets(number)
        code = self.process.wait(20)
        assert code == 0, f"exit code {code}:\n{self.log[-4000:]}"
        return time.monotonic() - began

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()


def without(samples: Samples, *names: str) -> Samples:
    """The samples but for those of these names (without the prefix)."""
    left_out = {f"pgbackrest_{name}" for name in names}
    return {key: value for key, value in samples.items() if key[0] not in left_out}
