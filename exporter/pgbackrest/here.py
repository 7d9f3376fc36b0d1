"""What pgbackrest.conf tells of this machine: the PostgreSQL server that it backs up here, spool, logs and locks."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from exporter.pgbackrest.conf import PgBackRestConf

# pgBackRest's highest number of a cluster, and its defaults (src/build/config/config.yaml).
_MOST_CLUSTERS = 256
_SPOOL = "/var/spool/pgbackrest"
_LOGS = "/var/log/pgbackrest"
_LOCKS = "/tmp/pgbackrest"  # noqa: S108 – pgBackRest's own default
_PORT = "5432"
_LOGGING = ("backup", "expire", "restore", "verify", "archive-push", "archive-get")
# Beginnings and ends of runs are logged from `info` on.
_TOO_QUIET = ("off", "error", "warn")
_OPTIONS_OF_REPOSITORY = ("path", "type", "host", "cipher-type")
# Where servers put their socket: Debian's and others' packages, PostgreSQL itself.
_SOCKETS = (Path("/var/run/postgresql"), Path("/tmp"))  # noqa: S108 – it is where the socket is, nothing is made there


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalServer:
    """The server of a stanza on this machine: its *data* directory, its *socket*, and how to connect to it."""

    data: Path
    socket: Path
    conninfo: str

    def exists(self) -> bool:
        """Whether it is here, running or not."""
        return is_here(self.socket) or is_here(self.data)


def is_here(path: Path) -> bool:
    """Whether this user sees it: what lies behind a folder that is shut for us is nothing that we could read."""
    try:
        return path.exists()
    except PermissionError:
        return False


def local_server(conf: PgBackRestConf, stanza: str) -> LocalServer | None:
    """Return the first cluster of *stanza* for which no host is named; None: there is none."""
    for number in range(1, _MOST_CLUSTERS + 1):
        data = conf.option(stanza, f"pg{number}-path", "backup")
        if data and not conf.option(stanza, f"pg{number}-host", "backup"):
            return _server(conf, stanza, number, Path(data))
    return None


def other_host(conf: PgBackRestConf, stanza: str) -> str | None:
    """Return the host on which pgBackRest finds the first cluster of *stanza*, if that is another one."""
    return conf.option(stanza, "pg1-host", "backup")


def spool(conf: PgBackRestConf, stanza: str) -> Path:
    """Return the folder in which asynchronous archiving leaves its results, there or not."""
    path = conf.option(stanza, "spool-path", "archive-push") or _SPOOL
    return Path(path, "archive", stanza, "out")


def logs(conf: PgBackRestConf, stanzas: Iterable[str]) -> tuple[Path, ...]:
    """Return the folders of log files, there or not: a stanza and a command may have one of their own."""
    names = tuple(stanzas) or ("",)
    paths = (conf.option(name, "log-path", command) for name in names for command in _LOGGING)
    return tuple(dict.fromkeys(Path(path or _LOGS) for path in paths))


def locks(conf: PgBackRestConf) -> Path:
    """Return the folder of locks and stop files, there or not."""
    return Path(conf.option("", "lock-path", "backup") or _LOCKS)


def too_quiet(conf: PgBackRestConf, stanza: str) -> str | None:
    """Return a line on a stanza in whose log files no run can be seen."""
    level = conf.option(stanza, "log-level-file", "backup")
    if level not in _TOO_QUIET:
        return None
    return (
        f"{stanza}: log-level-file={level} in pgbackrest.conf leaves no run to see: set it to info, or start "
        "backups by `pgbackrest-exporter run`"
    )


def lowest_repository(conf: PgBackRestConf, stanza: str) -> int:
    """Return the number of the repository that is used where none is named."""
    return next(
        (
            number
            for number in range(1, _MOST_CLUSTERS + 1)
            if any(conf.option(stanza, f"repo{number}-{name}", "backup") for name in _OPTIONS_OF_REPOSITORY)
        ),
        1,
    )


def _server(conf: PgBackRestConf, stanza: str, number: int, data: Path) -> LocalServer:
    stated = conf.option(stanza, f"pg{number}-socket-path", "backup")
    folder = Path(stated) if stated else next((path for path in _SOCKETS if path.is_dir()), _SOCKETS[0])
    port = conf.option(stanza, f"pg{number}-port", "backup") or _PORT
    words = {
        "host": str(folder),
        "port": port,
        "user": conf.option(stanza, f"pg{number}-user", "backup"),
        "dbname": conf.option(stanza, f"pg{number}-database", "backup"),
    }
    conninfo = " ".join(f"{key}={_quoted(value)}" for key, value in words.items() if value)
    return LocalServer(data=data, socket=folder / f".s.PGSQL.{port}", conninfo=conninfo)


def _quoted(value: str) -> str:
    """Quote as libpq reads it (34.1.1.1, "Keyword/Value Connection Strings")."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
