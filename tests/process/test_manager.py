"""What the exporter tells systemd: a real datagram socket takes it."""

import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.process import proc
from tests.process.host import Host
from tests.process.running import Running
from tests.process.waiting import until

PATIENCE_OF_SYSTEMD = 0.6


class Systemd:
    """A socket at which notes arrive, as systemd's does; all that came so far is kept."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.notes: list[str] = []
        self._last = time.monotonic()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._socket.setblocking(False)

    def close(self) -> None:
        self._socket.close()

    def read(self) -> list[str]:
        with suppress(BlockingIOError):
            while True:
                self.notes.append(self._socket.recv(65536).decode())
                self._last = time.monotonic()
        return self.notes

    @property
    def silence(self) -> float:
        """For how many seconds nothing has come."""
        self.read()
        return time.monotonic() - self._last

    def count(self, pattern: str) -> int:
        return sum(bool(re.match(pattern, note)) for note in self.read())

    def until(self, exporter: Running, pattern: str, times: int = 1) -> None:
        exporter.until(lambda: self.count(pattern) >= times, f"{times} × {pattern} in {self.notes}")


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    manager = Systemd(str(tmp_path / "notify"))
    yield manager
    manager.close()


@pytest.fixture
def watched(host: Host, systemd: Systemd) -> Callable[[], Running]:
    """Starts an exporter that systemd watches."""
    host.variables |= {
        "NOTIFY_SOCKET": systemd.address,
        "WATCHDOG_USEC": str(round(PATIENCE_OF_SYSTEMD * 1e6)),
    }
    return host.start


def test_it_is_ready_when_it_can_be_asked(host: Host, systemd: Systemd) -> None:
    host.standin.behaves("hang")
    host.variables["NOTIFY_SOCKET"] = systemd.address
    exporter = host.start()
    systemd.until(exporter, "READY=1$")
    (port,) = proc.listening(exporter.pid)
    with socket.create_connection(("127.0.0.1", port), timeout=10):
        assert exporter.get("/-/healthy").status == 200
    systemd.until(exporter, "STATUS=0 stanzas; 1 of 1 collector reading for the first time$")
    assert systemd.count("WATCHDOG=1$") > 0


def test_the_status_names_stanzas_and_what_fails(
    host: Host, systemd: Systemd, watched: Callable[[], Running]
) -> None:
    exporter = watched()
    systemd.until(exporter, "STATUS=1 stanza; 1 collector working$")
    host.standin.behaves("silent")
    systemd.until(exporter, "STATUS=1 stanza; 1 of 1 collector failing: info$")
    host.standin.behaves("")
    systemd.until(exporter, "STATUS=1 stanza; 1 collector working$", times=2)


def test_a_failing_or_hanging_collector_leaves_the_watchdog_content(
    host: Host, systemd: Systemd, watched: Callable[[], Running]
) -> None:
    host.standin.behaves("hang-ignoring-term")
    host.sets(info={"within": "1s"})
    exporter = watched()
    exporter.until(lambda: exporter.fails(2), "two readings that hung")
    seen = systemd.count("WATCHDOG=1$")
    systemd.until(exporter, "WATCHDOG=1$", times=seen + 5)


def test_a_process_that_stands_still_says_nothing_and_goes_on_afterwards(
    systemd: Systemd, watched: Callable[[], Running]
) -> None:
    exporter = watched()
    systemd.until(exporter, "WATCHDOG=1$")
    exporter.gets(signal.SIGSTOP)
    until(lambda: systemd.silence > PATIENCE_OF_SYSTEMD, lambda: "systemd would end it")
    seen = systemd.count("WATCHDOG=1$")
    exporter.gets(signal.SIGCONT)
    systemd.until(exporter, "WATCHDOG=1$", times=seen + 2)


def test_a_loop_that_hangs_says_nothing_and_tells_where_it_hung_when_systemd_ends_it(
    host: Host, systemd: Systemd, watched: Callable[[], Running]
) -> None:
    exporter = watched()
    systemd.until(exporter, "WATCHDOG=1$")
    host.settings.unlink()
    os.mkfifo(host.settings)  # settings on a disk that does not answer
    exporter.gets(signal.SIGHUP)
    until(lambda: systemd.silence > PATIENCE_OF_SYSTEMD, lambda: "systemd would end it")
    exporter.gets(signal.SIGABRT)
    assert exporter.process.wait(20) == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in exporter.log
    assert "_reload_settings" in exporter.log


def test_a_reload_begins_and_ends_refused_or_not(
    host: Host, systemd: Systemd, watched: Callable[[], Running]
) -> None:
    exporter = watched()
    systemd.until(exporter, "READY=1$")
    for times, text in enumerate(("info: {evry: 5s}", "{}"), 1):
        host.writes("settings.yml", text)
        exporter.gets(signal.SIGHUP)
        systemd.until(exporter, "READY=1$", times=times + 1)
        assert systemd.count(r"RELOADING=1\nMONOTONIC_USEC=\d+$") == times
    order = [note.partition("=")[0] for note in systemd.notes if note.startswith(("READY", "RELOADING"))]
    assert order == ["READY", "RELOADING", "READY", "RELOADING", "READY"]


def test_the_end_is_announced(systemd: Systemd, watched: Callable[[], Running]) -> None:
    exporter = watched()
    systemd.until(exporter, "READY=1$")
    exporter.end()
    assert systemd.read()[-1] == "STOPPING=1"


def test_an_abstract_socket_is_as_good(host: Host, tmp_path: Path) -> None:
    systemd = Systemd(f"@pgbackrest-exporter-{os.getpid()}-{tmp_path.name}")
    host.variables["NOTIFY_SOCKET"] = systemd.address
    try:
        systemd.until(host.start(), "READY=1$")
    finally:
        systemd.close()


def test_another_process_s_watchdog_is_not_ours(host: Host, systemd: Systemd) -> None:
    host.variables |= {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "30000", "WATCHDOG_PID": "1"}
    exporter = host.start().until_ready()
    began = systemd.count("WATCHDOG=1$")
    calls = len(host.standin.calls)
    exporter.until(lambda: len(host.standin.calls) >= calls + 2, "two more readings")
    assert systemd.count("WATCHDOG=1$") <= began + 1, "it does not hurry for that one"


def test_pgbackrest_cannot_speak_in_its_name(host: Host, systemd: Systemd) -> None:
    host.variables |= {
        "NOTIFY_SOCKET": systemd.address,
        "WATCHDOG_USEC": str(round(PATIENCE_OF_SYSTEMD * 1e6)),
    }
    host.standin.behaves("hang")
    exporter = host.start()
    exporter.until(host.others, "pgbackrest runs")
    for pid in host.others():
        assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC"} & proc.environment(pid).keys()


def test_a_manager_that_is_away_or_full_holds_nothing_up(host: Host, systemd: Systemd) -> None:
    host.variables |= {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "3000"}
    exporter = host.start().until_ready()
    exporter.until(exporter.works, "it reads, while nobody empties the socket")
    systemd.close()
    host.sets(stanzas={"other": {}})
    exporter.gets(signal.SIGHUP)
    exporter.until(lambda: exporter.scrape().names("stanza_expected") == {"other"}, "it goes on")
