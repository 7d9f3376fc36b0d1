"""Where it listens: several addresses, IPv6, a UNIX socket, sockets that systemd hands over."""

import socket
import stat
import sys
from contextlib import suppress
from pathlib import Path

from tests.process import proc
from tests.process.host import ANYWHERE, COMMAND, Host
from tests.process.scrape import ask

# What systemd does (sd_listen_fds(3)): the sockets from 3 on, then the variables with the very pid, then exec.
ACTIVATION = """\
import fcntl, os, sys
sockets, command = sys.argv[1:3], sys.argv[3:]
for number, copy in enumerate([fcntl.fcntl(int(sock), fcntl.F_DUPFD, 10) for sock in sockets], start=3):
    os.dup2(copy, number)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="tcp:unix")
os.execv(command[0], command)
"""


def has_ipv6() -> bool:
    with suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


def test_ipv6_is_served_or_refused_in_one_line(host: Host) -> None:
    flags = (f"--config.file={host.settings}", "--web.listen-address=[::1]:0")
    if not has_ipv6():
        done = host.run(*flags)
        assert (done.code, len(done.complaints)) == (1, 1)
        return
    exporter = host.start(address=flags[1])
    assert ask(("::1", exporter.port), "/metrics").status == 200
    assert exporter.logged(rf"msg=listening address=\[::1\]:{exporter.port}") or exporter.logged(
        "address=.*::1"
    )


def test_a_port_alone_is_served_on_every_address(host: Host) -> None:
    exporter = host.start(address="--web.listen-address=:0")
    for address in ("127.0.0.1", "::1") if has_ipv6() else ("127.0.0.1",):
        assert ask((address, exporter.port), "/-/healthy").status == 200


def test_several_addresses_are_served_at_once(host: Host) -> None:
    path = host.folder / "exporter.sock"
    exporter = host.start(f"--web.listen-address=unix:{path}", ANYWHERE)
    exporter.until_ready()
    ports = proc.listening(exporter.pid)
    assert len(ports) == 2
    for port in ports:
        assert ask(("127.0.0.1", port), "/metrics").status == 200
    assert ask(str(path), "/metrics").status == 200
    assert len(exporter.logged("msg=listening")) == 3


def test_if_one_address_cannot_be_had_none_is_served(host: Host) -> None:
    path = host.folder / "exporter.sock"
    done = host.run(
        f"--config.file={host.settings}",
        f"--web.listen-address=unix:{path}",
        "--web.listen-address=unix:/no/such/folder/exporter.sock",
    )
    assert (done.code, len(done.complaints)) == (1, 1)
    assert not path.exists()


def test_a_unix_socket_is_served_and_taken_away_at_the_end(host: Host) -> None:
    path = host.folder / "exporter.sock"
    exporter = host.start(address=f"--web.listen-address=unix:{path}")
    exporter.until(lambda: ask(str(path), "/-/ready").status == 200, "it is ready")
    assert ask(str(path), "/metrics").value("stanza_ok", stanza="demo") == 1
    assert stat.S_ISSOCK(path.stat().st_mode)
    exporter.end()
    assert not path.exists()


def test_the_socket_of_one_that_was_killed_is_taken_over(host: Host) -> None:
    path = host.folder / "exporter.sock"
    address = f"--web.listen-address=unix:{path}"
    first = host.start(address=address)
    first.until(lambda: ask(str(path), "/-/healthy").status == 200, "it serves")
    host.until_nothing_runs()
    first.kill()
    assert path.exists()
    second = host.start(address=address)
    second.until(lambda: ask(str(path), "/-/ready").status == 200, "the second serves")


def test_the_sockets_of_systemd_are_served_and_not_handed_on(host: Host, tmp_path: Path) -> None:
    path = str(tmp_path / "systemd.sock")
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(path)
        unix.listen()
        handed_over = (tcp.fileno(), unix.fileno())
        host.standin.behaves("hang")
        exporter = host.start(
            "--web.systemd-socket",
            address="",
            command=(sys.executable, "-c", ACTIVATION, *map(str, handed_over), *COMMAND),
            pass_fds=handed_over,
        )
        exporter.until(host.others, "pgbackrest runs")
        assert ask(tcp.getsockname(), "/metrics").status == 200
        assert ask(path, "/metrics").status == 200
        (child,) = host.others()
        assert not [name for name in proc.environment(child) if name.startswith("LISTEN_")]
        assert not [what for what in proc.descriptors(child).values() if what.startswith("socket:")]
        exporter.end()
    assert Path(path).exists(), "the file is systemd's"


def test_without_sockets_of_systemd_it_says_so_in_one_line(host: Host) -> None:
    done = host.run(f"--config.file={host.settings}", "--web.systemd-socket")
    assert (done.code, len(done.complaints)) == (1, 1)
    assert "systemd handed over no socket" in done.stderr
