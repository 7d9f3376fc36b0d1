"""libpq's connection strings, as far as they may stand in a file: without a password."""

from typing import Any

from exporter.settings.words import line

# libpq, 34.1.2: "Parameter Key Words".
_SECRET = ("password", "sslpassword", "oauth_client_secret")


def conninfo(written: Any) -> str | None:
    """Read a connection string in either form of libpq's; raises ValueError in one line, and never shows a secret."""
    if written is None:
        return None
    # Half of the time that all other imports of this program take together, and mostly no cluster is named.
    import psycopg  # noqa: PLC0415
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    try:
        parts = conninfo_to_dict(line(written))
    except psycopg.ProgrammingError:
        # libpq quotes the word that it trips over, which may be the password.
        raise ValueError(
            "is no connection string of libpq: expected host=pg1,pg2 user=exporter, or postgresql://exporter@pg1,pg2"
        ) from None
    for name in _SECRET:
        if name in parts:
            raise ValueError(f"holds a {name}: put it into a passfile (~/.pgpass) or a service file")
    return str(written)
