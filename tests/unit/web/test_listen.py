"""Addresses become sockets, and what is wrong with one is said in a line."""

import os
import socket
import subprocess  # noqa: TID251 – the child plays a process that systemd starts
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from exporter.web.listen import ListenError, bind, systemd_sockets, url


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def bound(stack: ExitStack, *addresses: str) -> list[socket.socket]:
    return [stack.enter_context(sock) for sock in bind(addresses)]


def port_of(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])


def test_a_port_alone_is_reached_by_ipv4_and_ipv6(stack: ExitStack) -> None:
    (sock,) = bound(stack, ":0")
    for host in ("127.0.0.1", "::1"):
        stack.enter_context(socket.create_connection((host, port_of(sock))))


def test_several_addresses_are_listened_on(stack: ExitStack) -> None:
    four, six = bound(stack, "127.0.0.1:0", "[::1]:0")
    assert url(four) == f"127.0.0.1:{port_of(four)}"
    assert url(six) == f"[::1]:{port_of(six)}"


def test_ipv4_and_ipv6_may_share_a_port(stack: ExitStack) -> None:
    (four,) = bound(stack, "127.0.0.1:0")
    (six,) = bound(stack, f"[::1]:{port_of(four)}")
    assert port_of(four) == port_of(six)


def test_a_host_name_stands_for_all_its_addresses_with_one_port(stack: ExitStack) -> None:
    sockets = bound(stack, "localhost:0")
    assert len({port_of(sock) for sock in sockets}) == 1


def test_sockets_do_not_block_and_are_not_inherited(stack: ExitStack) -> None:
    for sock in bound(stack, ":0", "127.0.0.1:0"):
        assert not sock.getblocking()
        assert not sock.get_inheritable()


def test_a_port_in_use_is_named_with_the_remedy(stack: ExitStack) -> None:
    (sock,) = bound(stack, "127.0.0.1:0")
    with pytest.raises(ListenError) as caught:
        bind([f"127.0.0.1:{port_of(sock)}"])
    assert f"port {port_of(sock)} is in use: stop what listens there" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_when_one_address_fails_none_is_kept(stack: ExitStack) -> None:
    (taken,) = bound(stack, "127.0.0.1:0")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = port_of(probe)
    with pytest.raises(ListenError):
        bind([f"127.0.0.1:{free}", f"127.0.0.1:{port_of(taken)}"])
    bound(stack, f"127.0.0.1:{free}")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "9854",
        ":",
        "host",
        "::1:9854",
        "[::1]",
        "[::1]:",
        ":99999",
        ":http",
        "127.0.0.1:9854/x",
        "vsock://:1",
    ],
)
def test_what_is_no_address_is_told_how_one_is_written(address: str) -> None:
    with pytest.raises(ListenError, match=r"write :9854, 127\.0\.0\.1:9854, \[::1\]:9854 or unix:"):
        bind([address])


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("192.0.2.1:0", "no such address"),
        ("no-such-host.invalid:1", "host name is not known"),
        ("unix:/no/such/folder/x.sock", "folder does not exist"),
        ("unix:" + "/x" * 100, "too long"),
        ("unix:", "needs a path"),
    ],
)
def test_an_address_that_cannot_be_had_is_explained(address: str, words: str) -> None:
    with pytest.raises(ListenError, match=words):
        bind([address])


def test_a_unix_socket_is_made_and_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "x.sock"
    (sock,) = bind([f"unix:{path}"])
    assert url(sock) == f"unix:{path}"
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    sock.close()
    assert not path.exists()


def test_a_socket_file_left_by_a_dead_process_is_replaced(stack: ExitStack, tmp_path: Path) -> None:
    path = tmp_path / "x.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    bound(stack, f"unix:{path}")


def test_a_socket_file_in_use_is_left_alone(stack: ExitStack, tmp_path: Path) -> None:
    path = tmp_path / "x.sock"
    bound(stack, f"unix:{path}")
    with pytest.raises(ListenError, match="is in use"):
        bind([f"unix:{path}"])
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(ListenError, match="choose another path"):
        bind([f"unix:{path}"])
    assert path.read_text() == "data"


def test_closing_leaves_the_file_of_a_successor(tmp_path: Path) -> None:
    path = tmp_path / "x.sock"
    (sock,) = bind([f"unix:{path}"])
    path.unlink()
    path.write_text("somebody else's")
    sock.close()
    assert path.exists()


HANDED_OVER = """
import os, sys
os.environ["LISTEN_PID"] = str(os.getpid())
from exporter.web.listen import ListenError, systemd_sockets, url
try:
    for sock in systemd_sockets():
        print(url(sock), sock.getblocking(), sock.get_inheritable())
except ListenError as error:
    print(error)
print([name for name in os.environ if name.startswith("LISTEN_")])
"""


def child_with(fd: int, count: int) -> list[str]:
    """Run a process that finds *fd* as its descriptor 3, as systemd would give it."""

    def hand_over() -> None:
        os.dup2(fd, 3)
        os.set_inheritable(3, True)

    child = subprocess.run(
        [sys.executable, "-c", HANDED_OVER],
        env={**os.environ, "LISTEN_FDS": str(count), "LISTEN_FDNAMES": "exporter.socket"},
        cwd=Path(__file__).parents[3],
        preexec_fn=hand_over,
        close_fds=False,
        capture_output=True,
        text=True,
        check=True,
    )
    return child.stdout.splitlines()


def test_a_socket_of_systemd_is_taken_over_and_not_passed_on(stack: ExitStack) -> None:
    (sock,) = bound(stack, "127.0.0.1:0")
    assert child_with(sock.fileno(), 1) == [f"{url(sock)} False False", "[]"]


def test_what_systemd_hands_over_must_listen(stack: ExitStack, tmp_path: Path) -> None:
    datagram = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    datagram.bind(("127.0.0.1", 0))
    assert "does not listen: use ListenStream=" in child_with(datagram.fileno(), 1)[0]
    file = stack.enter_context((tmp_path / "file").open("w"))
    assert "is no socket" in child_with(file.fileno(), 1)[0]


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LISTEN_FDS": "1"},
        {"LISTEN_FDS": "1", "LISTEN_PID": "1"},
        {"LISTEN_FDS": "0", "LISTEN_PID": str(os.getpid())},
        {"LISTEN_FDS": "x", "LISTEN_PID": str(os.getpid())},
    ],
)
def test_without_a_socket_of_systemd_the_remedy_is_told(environ: dict[str, str]) -> None:
    with pytest.raises(ListenError, match=r"start the exporter by its \.socket unit"):
        systemd_sockets(environ)
    assert environ == {}
