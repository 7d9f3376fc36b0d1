"""Damage to the archive: a segment that is lost, a copy that archives by mistake."""

import time
from pathlib import Path

from tests.cluster.archiving import archived
from tests.cluster.cluster import Cluster
from tests.lab.exporter import Exporter
from tests.lab.postgresql import binaries
from tests.lab.program import LabError, run, until
from tests.lab.summary import Scrape

_PAGE = 8192


def lose_segment(cluster: Cluster, exporter: Exporter) -> Path:
    """Delete one segment from repository 1, between the newest backup and the newest few segments.

    The exporter has seen it there: one that it never saw is taken to be on its way for two minutes.
    """
    cluster.switch_wal()
    lost = cluster.switch_wal()
    archived(cluster, cluster.switch_wal(6))
    arrived = time.time()
    until(
        lambda: (Scrape(exporter.scrape()).value("repo_listed_timestamp_seconds", repo="1") or 0) > arrived,
        within=30,
        what="the exporter has listed repository 1",
    )
    (file,) = (cluster.repository.repo1 / "archive" / "main").glob(f"*/{lost[:16]}/{lost}-*")
    file.unlink()
    return file


def damage_page(cluster: Cluster) -> list[tuple[Path, bytes]]:
    """A disk returns rubbish for a page that nobody reads, on every replica; the files as they were."""
    name = cluster.sql("select pg_relation_filepath('pg_description')")
    files = [(node.data / name, (node.data / name).read_bytes()) for node in cluster.streaming()]
    for file, _ in files:
        with file.open("r+b") as damaged:
            damaged.seek(_PAGE + 100)
            damaged.write(b"rubbish")
    return files


class Copy:
    """A restored copy of the database that somebody starts without turning archiving off."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._node = cluster.streaming()[-1]
        self._home = cluster.own(cluster.path / "copy")
        self.data = self._home / "data"

    def start(self) -> None:
        """Restore it on a replica's host, start it, promote it; its WAL goes into both repositories."""
        self._run(
            self._cluster.program, "--stanza=main", f"--pg1-path={self.data}", f"--lock-path={self._home / 'lock'}",
            f"--spool-path={self._home / 'spool'}", "--type=immediate", "--target-action=promote", "restore",
        )  # fmt: skip
        push = f"pgbackrest --stanza=main --pg1-path={self.data} --no-archive-async archive-push %p"
        settings = {
            "port": self._node.port, "listen_addresses": "", "unix_socket_directories": self._home,
            "archive_mode": "on", "archive_command": push, "hba_file": self._home / "pg_hba.conf",
            "max_connections": 100, "fsync": "off", "shared_buffers": "16MB",
        }  # fmt: skip
        self._cluster.write(self._home / "pg_hba.conf", "local all all trust\n")
        self._cluster.write(
            self.data / "postgresql.conf",
            "".join(f"{name} = '{value}'\n" for name, value in settings.items()),
        )
        self._run(
            self._program("pg_ctl"), "start", "-w", "-s", "-D", str(self.data), "-l", str(self._home / "log")
        )
        until(lambda: self._sql("select pg_is_in_recovery()") == "f", within=30, what="the copy is promoted")
        segment = self._sql(
            "select pg_logical_emit_message(false, 'lab', 'x'); select pg_walfile_name(pg_switch_wal())"
        ).split()[-1]
        self.timeline = int(segment[:8], 16)
        until(
            lambda: self._sql(f"select last_archived_wal >= '{segment}' from pg_stat_archiver") == "t",
            within=30,
            what="the copy archives",
        )

    def undo(self) -> None:
        """End it, and take what it archived out of both repositories."""
        self._run(self._program("pg_ctl"), "stop", "-w", "-s", "-m", "immediate", "-D", str(self.data))
        prefix = f"{self.timeline:08X}"
        repositories = (self._cluster.repository.repo1, self._cluster.s3.folder)
        for file in [
            file for folder in repositories for file in folder.rglob(f"{prefix}*") if file.is_file()
        ]:
            file.unlink()
        for path in [path for folder in repositories for path in folder.rglob(f"{prefix}????????")]:
            if path.is_dir():
                path.rmdir()

    def _sql(self, statement: str) -> str:
        where = ("-h", str(self._home), "-p", str(self._node.port), "-U", "postgres", "-d", "postgres")
        try:
            return self._run(self._program("psql"), "-XAtq", *where, stdin=statement).strip()
        except LabError:
            return ""

    def _run(self, *argv: str, stdin: str = "") -> str:
        prefix = self._cluster.account.prefix
        return run((*prefix, *argv), env=self._node.environment, cwd=self._home, stdin=stdin)

    def _program(self, name: str) -> str:
        return str(binaries() / name)
