"""A real server for the archiver, which stores its WAL in a folder: a primary, or a standby of one."""

from pathlib import Path

from tests.lab.postgresql import PORT, PostgreSQL
from tests.lab.site import Site

TRUSTED = "exporter"


class Node(PostgreSQL):
    """One server below a folder of its own; its `archive` is where its WAL goes."""

    def __init__(self, name: str, site: Site, programs: Path | None = None) -> None:
        self.home = site.own(site.path / name)
        super().__init__(self.home, site.as_account, programs)
        self.archive = site.own(self.home / "archive")
        self.gate = self.home / "gate"

    @property
    def conninfo(self) -> str:
        """The way to it for the role of deploy/postgresql."""
        return f"host={self.socket} port={PORT} user={TRUSTED}"

    @property
    def name(self) -> str:
        """As the exporter calls it."""
        return f"{self.socket}/.s.PGSQL.{PORT}"

    @property
    def storing(self) -> str:
        """A command that archives."""
        return f"cp %p {self.archive}/%f"

    def make(self) -> None:
        """Make a primary."""
        self.create(self.storing)

    def follow(self, primary: PostgreSQL) -> None:
        """Make a standby of *primary*."""
        self._run("mkdir", "-p", str(self.socket))
        self._run(
            self._program("pg_basebackup"), f"--host={primary.socket}", f"--port={PORT}", "--username=postgres",
            f"--pgdata={self.data}", "--checkpoint=fast", "--write-recovery-conf", "--no-sync",
        )  # fmt: skip
        self.configure(unix_socket_directories=str(self.socket), archive_command=self.storing)
        self.start()

    def configure(self, **settings: str) -> None:
        """Add to the file; a running server takes no notice."""
        lines = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
        self._run("tee", "-a", str(self.data / "postgresql.conf"), stdin=lines)

    def set(self, name: str, value: str) -> None:
        """Change a setting of the running server."""
        self.sql(f"alter system set {name} = '{value}'")
        self.sql("select pg_reload_conf()")

    def switch_wal(self) -> None:
        """Write something and finish the segment."""
        self.sql("select pg_logical_emit_message(false, 'test', 'something')")
        self.sql("select pg_switch_wal()")

    def leave(self) -> None:
        """Stop in order: statistics are kept, and all WAL is archived before."""
        self._run(self._program("pg_ctl"), "stop", "-w", "-s", "-m", "fast", "-D", str(self.data))

    def demote(self) -> None:
        """Come back as a standby that follows nobody."""
        self._run("touch", str(self.data / "standby.signal"))
        self.start()


def role() -> str:
    """The statements of deploy/postgresql."""
    return (Path(__file__).parents[2] / "deploy/postgresql/exporter-role.sql").read_text()
