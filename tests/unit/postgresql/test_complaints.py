import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.postgresql import complaints
from exporter.postgresql.complaints import ServerError

AT = 'connection failed: connection to server at "10.0.0.1", port 5432 failed: '


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            AT + "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?",
            "pg1:5432 refuses connections: start PostgreSQL, or check host and port",
        ),
        ("connection timeout expired", "pg1:5432 does not answer: check the server, host, port and firewall"),
        (
            AT + 'FATAL:  password authentication failed for user "exporter"',
            (
                'pg1:5432: password authentication failed for user "exporter": put the right one into the passfile '
                "(~/.pgpass) or the service file"
            ),
        ),
        (
            AT + "fe_sendauth: no password supplied",
            (
                "pg1:5432 asks for a password: put it into the passfile (~/.pgpass) or the service file of the user "
                "that runs the exporter"
            ),
        ),
        (
            AT + "server does not support SSL, but SSL was required",
            (
                "pg1:5432: server does not support SSL, but SSL was required: check sslmode, sslrootcert and "
                "sslcert of the connection string against the server's ssl"
            ),
        ),
        (
            AT + "SSL error: certificate verify failed",
            (
                "pg1:5432: SSL error: certificate verify failed: check sslmode, sslrootcert and sslcert of the "
                "connection string against the server's ssl"
            ),
        ),
        (
            AT
            + 'FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "exporter", database "postgres", SSL off',
            (
                'pg1:5432: no pg_hba.conf entry for host "10.0.0.9", user "exporter", database "postgres", SSL off: '
                "allow it in pg_hba.conf, or check sslmode"
            ),
        ),
        (
            AT + "FATAL:  the database system is starting up",
            "pg1:5432: the database system is starting up: nothing to do here, it is asked again",
        ),
        (
            AT
            + "FATAL:  the database system is not yet accepting connections\nDETAIL:  Consistent recovery state …",
            "pg1:5432: the database system is not yet accepting connections: nothing to do here, it is asked again",
        ),
        (
            AT + "FATAL:  sorry, too many clients already",
            "pg1:5432: sorry, too many clients already: raise max_connections, or end other sessions",
        ),
        (
            AT + "server closed the connection unexpectedly\n\tThis probably means the server terminated",
            "pg1:5432 closed the connection: check its log, and that host and port are PostgreSQL's",
        ),
        (
            "failed to resolve host 'pg1': [Errno -2] Name or service not known",
            "pg1:5432 has a name that is not known: check it, and the name service",
        ),
        (
            AT + "FATAL:  Passwort-Authentifizierung für Benutzer »exporter« fehlgeschlagen",
            (
                "pg1:5432: Passwort-Authentifizierung für Benutzer »exporter« fehlgeschlagen: check the connection "
                "string and the server's log"
            ),
        ),
        ("", "pg1:5432: no words: check the connection string and the server's log"),
        ("\x00\x07\x1b[31m", "pg1:5432: [31m: check the connection string and the server's log"),
    ],
)
def test_what_libpq_said_becomes_one_line_with_a_remedy(said: str, line: str) -> None:
    assert str(complaints.connecting("pg1:5432", said)) == line


def test_the_local_servers_socket_that_is_missing_is_told_by_its_name() -> None:
    said = (
        'connection failed: connection to server on socket "/run/x/.s.PGSQL.5432" failed: '
        "No such file or directory\n\tIs the server running locally and accepting connections on that socket?"
    )
    line = str(complaints.connecting("/run/x/.s.PGSQL.5432", said))
    assert line == "/run/x/.s.PGSQL.5432 is not there: start PostgreSQL, or check host and port"


def test_a_certificate_that_is_missing_is_no_missing_socket() -> None:
    said = AT + 'root certificate file "/etc/x.crt" does not exist'
    assert "check sslmode" in str(complaints.connecting("pg1:5432", said))


def test_a_missing_right_names_the_grant() -> None:
    error = complaints.asking(
        "pg1:5432", "permission denied for function pg_ls_archive_statusdir", "42501", "watcher", 4.5
    )
    assert str(error) == (
        "pg1:5432: permission denied for function pg_ls_archive_statusdir: GRANT EXECUTE ON FUNCTION "
        'pg_ls_archive_statusdir() TO "watcher", in the database that it connects to '
        "(deploy/postgresql/exporter-role.sql does so)"
    )


def test_a_query_that_took_too_long_names_the_setting() -> None:
    error = complaints.asking("pg1:5432", "canceling statement due to statement timeout", "57014", "", 4.5)
    assert str(error) == (
        "pg1:5432 did not answer the query within 4.5s: look at its load, or raise archiver.within"
    )


def test_a_server_that_is_told_to_stop_is_one_that_cannot_be_reached() -> None:
    said = "terminating connection due to administrator command"
    assert str(complaints.asking("pg1:5432", said, "57P01", "", 1)).startswith(f"pg1:5432: {said}: ")
    assert str(complaints.asking("pg1:5432", "the connection is lost", None, "", 1)).startswith(
        "pg1:5432 closed the connection: "
    )


def test_other_words_of_a_server_are_kept_short_enough_for_a_line() -> None:
    line = str(complaints.asking("pg1:5432", "x" * 1000 + "\nLINE 1: begin", "42601", "", 1))
    assert "\n" not in line
    assert len(line) < 330


def test_of_several_servers_each_is_told_and_the_first_remedy() -> None:
    refused, silent = (
        ServerError("pg1:5432 refuses connections", "start it"),
        ServerError("pg3:5432 sleeps", "-"),
    )
    assert str(complaints.joined([refused, silent], ["pg2:5432"])) == (
        "no primary found: pg1:5432 refuses connections; pg3:5432 sleeps; pg2:5432 is a standby: start it"
    )
    assert complaints.joined([refused], []) is refused


@given(st.text(), st.sampled_from((None, "42501", "57014", "57P03", "08P01", "XX000")))
def test_whatever_a_server_says_becomes_one_line(said: str, sqlstate: str | None) -> None:
    for error in (
        complaints.connecting("pg1:5432", said),
        complaints.asking("pg1:5432", said, sqlstate, "exporter", 4.5),
    ):
        assert str(error).isprintable()
        assert len(str(error)) < 450
