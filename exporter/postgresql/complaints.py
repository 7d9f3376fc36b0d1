"""What libpq and PostgreSQL say when a connection fails, in one line that names the server and the remedy."""

import re
from collections.abc import Iterator

_PREFIX = re.compile(
    r"(connection failed: |connection is bad: )?"
    r'(connection to server (at|on socket) "[^"]*"( \([^)]*\))?(, port \d+)? failed: )?'
)
_SEVERITY = re.compile(r"[A-Z]{4,}:\s+")
_LONGEST = 200

# English words: libpq's own, and a server's unless it was told to speak another language. What is not known here
# is shown as it was said. First what a server says of roles and rights, then what comes of the network.
_KNOWN: tuple[tuple[str, str | None, str], ...] = (
    (
        r"password authentication failed",
        None,
        "put the right one into the passfile (~/.pgpass) or the service file",
    ),
    (
        r"no password supplied",
        "asks for a password",
        "put it into the passfile (~/.pgpass) or the service file of the user that runs the exporter",
    ),
    (r"no pg_hba.conf entry|pg_hba.conf rejects", None, "allow it in pg_hba.conf, or check sslmode"),
    (
        r"(Peer|Ident) authentication failed",
        None,
        "run the exporter as the user of that name, or map it in pg_ident.conf",
    ),
    (
        r'role ".*" (does not exist|is not permitted)',
        None,
        "create it with deploy/postgresql/exporter-role.sql",
    ),
    (r'database ".*" does not exist|no such database', None, "add dbname=postgres to the connection string"),
    (r"permission denied for database", None, "GRANT CONNECT on it to that role"),
    (
        r"too many (clients|connections)|connection slots",
        None,
        "raise max_connections, or end other sessions",
    ),
    (
        r"starting up|shutting down|recovery mode|not (yet )?accepting connections",
        None,
        "nothing to do here, it is asked again",
    ),
    (
        r"startup parameter",
        None,
        "state PostgreSQL itself and not a pooler, or let the pooler ignore that parameter",
    ),
    (r"Connection refused", "refuses connections", "start PostgreSQL, or check host and port"),
    (r"on socket .*No such file", "is not there", "start PostgreSQL, or check host and port"),
    (r"on socket .*Permission denied", "may not be opened by this user", "check the rights of the socket"),
    (r"timeout expired|timed out", "does not answer", "check the server, host, port and firewall"),
    (
        r"closed the connection|reset by peer|connection is lost|socket closed|Broken pipe|EOF",
        "closed the connection",
        "check its log, and that host and port are PostgreSQL's",
    ),
    (r"invalid response|received invalid", "does not speak PostgreSQL's language", "check host and port"),
    (
        r"resolve host|translate host name|Name or service|name resolution",
        "has a name that is not known",
        "check it, and the name service",
    ),
    (r"unreachable|No route to host", "is not reachable", "check host, port and network"),
    (
        r"certificate|SSL|TLS",
        None,
        "check sslmode, sslrootcert and sslcert of the connection string against the server's ssl",
    ),
)


class ServerError(Exception):
    """One server, or none of several, could be asked: one line. *words* tell what, *remedy* what to do."""

    def __init__(self, words: str, remedy: str) -> None:
        self.words, self.remedy = words, remedy
        super().__init__(f"{words}: {remedy}")


def connecting(server: str, said: str) -> ServerError:
    """Return what to tell of a *server* that let nobody in, with what libpq *said*."""
    for pattern, words, remedy in _KNOWN:
        if re.search(pattern, said):
            return ServerError(f"{server} {words}" if words else f"{server}: {_line(said)}", remedy)
    return ServerError(f"{server}: {_line(said)}", "check the connection string and the server's log")


def asking(server: str, said: str, sqlstate: str | None, user: str, within: float) -> ServerError:
    """Return what to tell of a *server* that did not answer the query."""
    # PostgreSQL, Appendix A: insufficient_privilege, query_canceled.
    if sqlstate == "42501":
        return ServerError(
            f"{server}: {_line(said)}",
            f'GRANT EXECUTE ON FUNCTION pg_ls_archive_statusdir() TO "{user}", in the database that it connects to '
            "(deploy/postgresql/exporter-role.sql does so)",
        )
    if sqlstate == "57014":
        return ServerError(
            f"{server} did not answer the query within {within:.3g}s",
            "look at its load, or raise archiver.within",
        )
    if sqlstate is None or sqlstate.startswith("57P"):
        return connecting(server, said)
    return ServerError(
        f"{server}: {_line(said)}",
        "the exporter asks PostgreSQL 12 and later itself: check host, port and dbname",
    )


def joined(errors: list[ServerError], standbys: list[str]) -> ServerError:
    """Return what to tell when a primary may be among servers that could not be asked."""
    if len(errors) == 1 and not standbys:
        return errors[0]
    words = [error.words for error in errors] + [f"{name} is a standby" for name in standbys]
    return ServerError(f"no primary found: {'; '.join(words)}", errors[0].remedy)


def _line(said: str) -> str:
    """Return the first thing that was said, without what stands in front of it."""
    lines = _lines(said)
    text = _SEVERITY.sub("", _PREFIX.sub("", next(lines, "no words"), count=1), count=1)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _lines(said: str) -> Iterator[str]:
    for line in said.splitlines():
        if text := "".join(char if char.isprintable() else " " for char in line).strip():
            yield text
