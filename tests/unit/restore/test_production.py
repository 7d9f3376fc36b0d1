"""Production that cannot be asked is no error of the test, and is told in one line that helps."""

import pytest

from exporter.restore import production
from exporter.restore.production import CanaryError


@pytest.mark.parametrize(
    ("conninfo", "words"),
    [
        (
            "host=/nowhere",
            "/nowhere/.s.PGSQL.5432 is not there: start PostgreSQL, or check host and port",
        ),
        (
            "host=127.0.0.1,localhost port=1",
            "127.0.0.1:1, localhost:1 refuses connections: start PostgreSQL, or check host and port",
        ),
        ("port=many", 'invalid integer value "many" for connection option "port"'),
        ("nonsense", 'missing "=" after "nonsense" in connection info string'),
    ],
)
async def test_libpqs_words_become_one_line(conninfo: str, words: str) -> None:
    known = await production.ask(conninfo)
    assert not known.known
    assert known.why.startswith("production cannot be asked: ")
    assert words in known.why
    assert "\n" not in known.why
    assert len(known.why) < 200

    async def archived(_: str) -> bool:
        return True

    with pytest.raises(CanaryError) as caught:
        await production.sing(conninfo, "token", archived, within=1.0)
    assert words in str(caught.value)
    assert "canary.sql" not in str(caught.value), "no right is missing"


async def test_without_a_connection_string_the_reason_names_the_setting() -> None:
    assert "stanzas.NAME.postgresql" in (await production.ask(None)).why
