"""Ports of 127.0.0.1 that nobody uses, all different."""

import secrets

from tests.lab.exporter import free_port

# Below those that Linux gives to outgoing connections.
_FIRST, _LAST = 20_000, 31_000


class Ports:
    """Gives a free port each time. It begins anywhere, so that two clusters do not meet."""

    def __init__(self) -> None:
        self._next = _FIRST + secrets.randbelow(_LAST - _FIRST)

    def take(self) -> int:
        """One that is free now and was not given before."""
        port = free_port(self._next)
        self._next = port + 1
        return port
