"""Tells the service manager how we are, as sd_notify(3) says: datagrams to the socket that $NOTIFY_SOCKET names."""

import os
import socket
import time
from collections.abc import MutableMapping
from contextlib import suppress


class Manager:
    """The service manager that started us; without one every call does nothing.

    *patience* is after how many seconds without `alive` it takes us for hung; None: it does not watch.
    """

    def __init__(self, address: str = "", patience: float | None = None) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._status = ""
        self.patience = patience if address else None

    @classmethod
    def of(cls, environ: MutableMapping[str, str] = os.environ) -> "Manager":
        """Take the address out of the environment, so that no pgbackrest speaks in our name."""
        address, microseconds, pid = (
            environ.pop(name, "") for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
        )
        is_ours = pid in {"", str(os.getpid())} and microseconds.isdecimal() and int(microseconds) > 0
        return cls(address, int(microseconds) / 1e6 if is_ours else None)

    def ready(self) -> None:
        """Say that we serve, for the first time or again after `reloading`."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Say that settings are read anew; Type=notify-reload wants to know since when."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Say that all goes on."""
        self._send("WATCHDOG=1")

    def status(self, words: str) -> None:
        """Show one line of words in `systemctl status`, if it is a new one."""
        if words != self._status:
            self._status = words
            self._send(f"STATUS={' '.join(words.split())}")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        # A manager that restarts or is overwhelmed loses a message, but never holds up the event loop.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.sendto(message.encode(), self._address)
