"""The servers under measurement as processes, and what the kernel says about each."""

from __future__ import annotations

import compileall
import os
import re
import shutil
import signal
import socket
import subprocess  # noqa: TID251 - the bench starts and stops whole servers, not programs with an answer
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import exporter
from tests.bench.client import Address
from tests.bench.standin import StandIn

_CPUCLOCK_SCHED = 2  # include/linux/posix-timers.h


def pause(seconds: float) -> None:
    """Waits in the measuring process."""
    time.sleep(seconds)  # noqa: TID251 - there is no event loop here


def as_installed() -> None:
    """Compiles the exporter, as installing it does: where bytecode may not be written, each start would."""
    compileall.compile_dir(exporter.__path__[0], quiet=1)


def free_address() -> Address:
    """An address of the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return ("127.0.0.1", probe.getsockname()[1])


@dataclass
class Server:
    """A running server: `name` is its column in the tables, `pid` the process that serves."""

    name: str
    argv: Sequence[str]
    address: Address
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    path: str = "/metrics"
    has_worker: bool = False

    def __enter__(self) -> Self:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.env},
                start_new_session=True,
            )
        self.started = time.perf_counter()
        self.pid = self._process.pid
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def wait_until_listening(self, within: float = 30) -> None:
        """Returns when a connection is accepted; else raises RuntimeError with the server's last words."""
        end = time.perf_counter() + within
        while time.perf_counter() < end:
            self.check()
            try:
                socket.create_connection(self.address, timeout=1).close()
                self.pid = self._worker() if self.has_worker else self._process.pid
            except OSError:
                pause(0.002)
            else:
                return
        raise RuntimeError(
            f"{self.name} does not listen on {self.address[0]}:{self.address[1]}; see {self.log}"
        )

    def check(self) -> None:
        """Raises RuntimeError with the server's last words when it is gone."""
        if (code := self._process.poll()) is not None:
            words = self.log.read_text(errors="replace")[-1500:]
            raise RuntimeError(f"{self.name} ended with {code}: {' '.join(self.argv)}\n{words}")

    def _worker(self) -> int:
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = stat.read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if int(parent) == self._process.pid:
                return int(stat.parent.name)
        raise ProcessLookupError(f"{self.name} has no worker process yet")  # its master listens before

    def cpu(self) -> float:
        """CPU seconds of all its threads, user and system, without its children.

        That is utime + stime of /proc/PID/stat, read from the process's CPU clock (clock_getcpuclockid(3))
        in nanoseconds instead of ticks of 10 ms. What the server spends on starting a child (fork or vfork,
        pipes, reading, reaping) is its own; what the child does, its exec included, is the child's.
        """
        return time.clock_gettime((~self.pid << 3) | _CPUCLOCK_SCHED)

    def _memory(self, key: str) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(rf"^{key}:\s+(\d+) kB$", status, re.MULTILINE)
        return int(found[1]) / 1024 if found else float("nan")

    @property
    def rss(self) -> float:
        """Resident memory in MiB."""
        return self._memory("VmRSS")

    @property
    def peak(self) -> float:
        """Highest resident memory in MiB since `reset_peak`."""
        return self._memory("VmHWM")

    def reset_peak(self) -> None:
        """Forgets the peak so far (proc(5): 5 written to clear_refs)."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


def ours(standin: StandIn, conf: Path, every: int, per_backup: int, log: Path) -> Server:
    """This exporter with every per-backup series shown."""
    settings = standin.folder / f"exporter-{every}.yml"
    settings.write_text(
        f"pgbackrest:\n  command: [{standin.program}]\n  config: {conf}\n"
        f"info: {{every: {every}s, within: 60s, per_backup: {per_backup}}}\n"
        "repository: {enabled: false}\n"  # measured by itself
    )
    address = free_address()
    listen = f"{address[0]}:{address[1]}"
    argv = [sys.executable, "-m", "exporter", "--config.file", str(settings), "--web.listen-address", listen]
    return Server("exporter", argv, address, log)


def peer(binary: Path, standin: StandIn, every: int, log: Path) -> Server:
    """Another exporter, called with woblerr's flags and its defaults; it finds pgbackrest on PATH."""
    address = free_address()
    argv = [
        str(binary),
        "--collect.interval",
        str(every),
        "--web.listen-address",
        f"{address[0]}:{address[1]}",
    ]
    env = {"PATH": f"{standin.folder}:{os.environ['PATH']}"}
    return Server("peer", argv, address, log, env)


_NGINX = """{user}worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 64; }}
http {{
    sendfile on;
    tcp_nopush on;
    access_log off;
    gzip_static on;
    keepalive_requests 100000000;
    default_type text/plain;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{ listen {host}:{port}; root {folder}/www; }}
}}
"""


def nginx(folder: Path, log: Path) -> Server:
    """nginx as Debian ships it, with one worker, serving `folder/www`. RuntimeError when it is missing."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise RuntimeError("nginx is missing, to which the scrapes are compared: apt-get install nginx-light")
    address = free_address()
    (folder / "www").mkdir(exist_ok=True)
    user = "user root;\n" if os.geteuid() == 0 else ""
    conf = folder / "nginx.conf"
    conf.write_text(_NGINX.format(user=user, folder=folder, host=address[0], port=address[1]))
    argv = [program, "-c", str(conf)]
    return Server("nginx", argv, address, log, has_worker=True)
