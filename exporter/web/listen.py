"""Where the exporter listens: turns addresses into bound sockets, or takes over those systemd made."""

import errno
import os
import re
import socket
import stat
from collections.abc import MutableMapping, Sequence
from pathlib import Path

_BACKLOG = 1024
_FIRST_HANDED_OVER = 3  # sd_listen_fds(3)
_NO_SUCH_ADDRESS_HERE = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}


class ListenError(Exception):
    """An address cannot be listened on; the message is one line that names it and the remedy."""


class BadAddressError(ListenError):
    """What was given is no address at all."""


class UnixListener(socket.socket):
    """A listening UNIX socket that takes its file away when it is closed."""

    def __init__(self, path: Path) -> None:
        super().__init__(socket.AF_UNIX, socket.SOCK_STREAM)
        self._path = path
        self._inode: int | None = None

    def listen_at(self) -> None:
        """Make the file and listen; raises OSError."""
        self.bind(str(self._path))
        self._inode = self._path.stat().st_ino
        self.listen(_BACKLOG)

    def close(self) -> None:
        """Close, and remove the file unless another process has put its own there."""
        inode, self._inode = self._inode, None
        super().close()
        try:
            if inode is not None and self._path.stat().st_ino == inode:
                self._path.unlink()
        except OSError:
            return  # gone already, or no longer ours to remove


def bind(addresses: Sequence[str]) -> list[socket.socket]:
    """Listen on all *addresses*, or on none.

    They are written ``:9854``, ``0.0.0.0:9854``, ``[::1]:9854``, ``host:9854`` or ``unix:/run/x.sock``. The sockets
    are non-blocking. Port 0 lets the kernel choose. Raises ListenError.
    """
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            sockets += _bind(address)
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def systemd_sockets(environ: MutableMapping[str, str] = os.environ) -> list[socket.socket]:
    """Take over the sockets of a systemd ``.socket`` unit, as sd_listen_fds(3) says.

    The variables are removed and the sockets marked close-on-exec, so that pgbackrest inherits neither. Raises
    ListenError, also if there are none.
    """
    pid, count, _ = (environ.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"))
    if pid != str(os.getpid()) or not count.isdecimal() or int(count) < 1:
        raise ListenError(
            "systemd handed over no socket: start the exporter by its .socket unit,"
            " or leave out --web.systemd-socket"
        )
    handed_over = [_take_over(fd) for fd in range(_FIRST_HANDED_OVER, _FIRST_HANDED_OVER + int(count))]
    for sock in handed_over:
        if sock.type != socket.SOCK_STREAM or not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise ListenError(
                f"systemd handed over {url(sock)}, which does not listen:"
                " use ListenStream= and Accept=no in the .socket unit"
            )
    return handed_over


def url(sock: socket.socket) -> str:
    """Name a socket as a person would type it: ``[::]:9854``, ``127.0.0.1:9854``, ``unix:/run/x.sock``."""
    name = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        return f"unix:{name}"
    return f"[{name[0]}]:{name[1]}" if sock.family == socket.AF_INET6 else f"{name[0]}:{name[1]}"


def _bind(address: str) -> list[socket.socket]:
    try:
        if address.startswith("unix:"):
            return [_bind_unix(Path(address.removeprefix("unix:")))]
        host, port = _split(address)
        return _bind_named(host, port) if host else [_bind_everywhere(port)]
    except OSError as error:
        raise ListenError(f"cannot listen on {address}: {_remedy(error, address)}") from None


def _split(address: str) -> tuple[str, int]:
    found = re.fullmatch(r"(?:\[(?P<six>[^\[\]]+)\]|(?P<host>[^:\[\]/]*)):(?P<port>\d{1,5})", address)
    if not found or int(found["port"]) > 65535:
        raise BadAddressError(
            f"{address!r} is no address to listen on:"
            " write :9854, 127.0.0.1:9854, [::1]:9854 or unix:/run/exporter.sock"
        )
    return found["six"] or found["host"], int(found["port"])


def _bind_everywhere(port: int) -> socket.socket:
    """One IPv6 socket that serves IPv4 too; IPv4 alone where the machine has no IPv6."""
    try:
        return _listening(socket.AF_INET6, ("::", port), dual=True)
    except OSError as error:
        if error.errno not in _NO_SUCH_ADDRESS_HERE:
            raise
    return _listening(socket.AF_INET, ("0.0.0.0", port))  # noqa: S104 – that is what ":port" asks for


def _bind_named(host: str, port: int) -> list[socket.socket]:
    """Listen on each address of *host*; one that this machine lacks (::1 without IPv6) is left out."""
    sockets: list[socket.socket] = []
    lacking: OSError | None = None
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, _, _, _, place in dict.fromkeys(found):
        try:
            # With port 0 the first socket's port is taken for the rest, so that the name has one port.
            port = port or (sockets[0].getsockname()[1] if sockets else 0)
            sockets.append(_listening(family, (place[0], port, *place[2:])))
        except OSError as error:
            if error.errno not in _NO_SUCH_ADDRESS_HERE:
                for sock in sockets:
                    sock.close()
                raise
            lacking = error
    if not sockets and lacking:
        raise lacking
    return sockets


def _listening(family: int, place: tuple[object, ...], *, dual: bool = False) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual else 1)
        sock.setblocking(False)
        sock.bind(place)
        sock.listen(_BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def _bind_unix(path: Path) -> socket.socket:
    if not path.name:
        raise BadAddressError("unix: needs a path: write unix:/run/exporter.sock")
    path = path.absolute()
    _remove_stale(path)
    sock = UnixListener(path)
    try:
        sock.setblocking(False)
        sock.listen_at()
    except BaseException:
        sock.close()
        raise
    return sock


def _remove_stale(path: Path) -> None:
    """Remove the socket file of a process that has died; anything else at *path* is left alone."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ListenError(
            f"cannot listen on unix:{path}: a file that is no socket is there; choose another path"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        refused = probe.connect_ex(str(path)) == errno.ECONNREFUSED
    if not refused:
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    path.unlink()


def _take_over(fd: int) -> socket.socket:
    try:
        sock = socket.socket(fileno=fd)
        sock.set_inheritable(False)
        sock.setblocking(False)
    except OSError as error:
        raise ListenError(
            f"file descriptor {fd} of systemd is no socket ({error.strerror}): check the .socket unit"
        ) from None
    return sock


def _remedy(error: OSError, address: str) -> str:
    if isinstance(error, socket.gaierror):
        return f"the host name is not known here ({error.strerror}); write an address of this machine"
    place = _place(address)
    told = {
        errno.EADDRINUSE: f"{place} is in use: stop what listens there (another exporter?) or take another address",
        errno.EACCES: f"permission denied for {place}: take a port above 1023, a folder we may write to",
        errno.EADDRNOTAVAIL: "this machine has no such address: see `ip address`, or write :9854 for all",
        errno.EAFNOSUPPORT: "this machine has no IPv6: write an IPv4 address",
        errno.ENOENT: "the folder does not exist: make it first (systemd: RuntimeDirectory=)",
    }
    return told.get(error.errno or 0) or f"{error.strerror or error}: choose another address"


def _place(address: str) -> str:
    return address if address.startswith("unix:") else f"port {address.rpartition(':')[2]}"
