"""SIGTERM and SIGINT end it with exit code 0, at once, and nothing of it is left."""

import http.client
import signal
import socket

import pytest

from tests.process.host import Host
from tests.process.running import Running

# Seconds. Who ignores SIGTERM has half a second of grace; nothing waits for a reading to be over (10 s here).
AT_ONCE = 2

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)


@SIGNALS
def test_a_signal_ends_it(host: Host, exporter: Running, number: signal.Signals) -> None:
    assert exporter.end(number) < AT_ONCE
    assert host.alive == []
    assert "Traceback" not in exporter.log


@pytest.mark.parametrize(
    ("behaviour", "number"),
    [
        ("hang", signal.SIGTERM),
        ("hang-ignoring-term", signal.SIGTERM),
        ("hang-ignoring-term", signal.SIGINT),
    ],
)
def test_a_signal_ends_it_in_the_middle_of_a_hung_reading(
    host: Host, behaviour: str, number: signal.Signals
) -> None:
    host.standin.behaves(behaviour)
    exporter = host.start()
    processes = 2 if behaviour == "hang-ignoring-term" else 1
    exporter.until(lambda: len(host.others()) == processes and host.standin.calls, "it hangs")
    assert exporter.end(number) < AT_ONCE
    assert host.alive == []
    assert "Traceback" not in exporter.log


def test_a_hung_reading_of_every_stanza_is_ended_at_once(host: Host) -> None:
    sections = "".join(f"[s{number}]\nrepo1-path=/srv/{number}\n" for number in range(8))
    host.writes("pgbackrest.conf", sections)
    host.standin.behaves("hang")
    exporter = host.start()
    exporter.until(lambda: len(host.others()) == 9, "all of them hang")
    assert exporter.end() < AT_ONCE
    assert host.alive == []


def test_idle_and_half_asked_clients_do_not_hold_it_up(exporter: Running) -> None:
    idle = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=10)
    idle.request("GET", "/metrics")
    idle.getresponse().read()
    with socket.create_connection(("127.0.0.1", exporter.port), timeout=10) as half:
        half.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
        with socket.create_connection(("127.0.0.1", exporter.port), timeout=10):
            assert exporter.end() < AT_ONCE
    idle.close()


def test_a_second_signal_does_not_spoil_the_end(host: Host) -> None:
    host.standin.behaves("hang-ignoring-term")
    exporter = host.start()
    exporter.until(lambda: len(host.others()) == 2, "it hangs")
    exporter.gets(signal.SIGTERM)
    exporter.until(lambda: exporter.logged("msg=stopping"), "it stops")
    exporter.gets(signal.SIGINT)
    exporter.gets(signal.SIGHUP)
    assert exporter.end() < AT_ONCE
    assert host.alive == []
