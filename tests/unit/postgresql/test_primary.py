import pytest

from exporter.postgresql.complaints import ServerError
from exporter.postgresql.primary import Found, _choose
from exporter.postgresql.server import Server
from tests.unit.postgresql.answers import answer


def found(name: str, **columns: object) -> Found:
    return Found(Server(name=name, conninfo=""), answer(**columns), asked=0.0, took=0.0)


PRIMARY = found("pg1:5432")
STANDBY = found("pg2:5432", in_recovery=True, timeline=None)
ARCHIVING_STANDBY = found("pg3:5432", in_recovery=True, timeline=None, mode="always", position=5)
DOWN = ServerError("pg4:5432 refuses connections", "start it")


def test_the_primary_goes_before_all_others_and_needs_none_of_them() -> None:
    assert _choose([DOWN, ARCHIVING_STANDBY, STANDBY, PRIMARY]) is PRIMARY


def test_of_two_that_claim_to_be_the_primary_the_one_on_the_higher_timeline_counts() -> None:
    newer = found("pg2:5432", timeline="00000004", position=1)
    further = found("pg3:5432", timeline="00000003", position=PRIMARY.answer.position + 1)
    assert _choose([PRIMARY, newer, further]) is newer
    assert _choose([PRIMARY, further]) is further


def test_among_standbys_the_one_that_archives_counts() -> None:
    assert _choose([STANDBY, ARCHIVING_STANDBY]) is ARCHIVING_STANDBY
    assert _choose([STANDBY]) is STANDBY


def test_a_primary_may_be_among_those_that_could_not_be_asked() -> None:
    with pytest.raises(
        ServerError, match="no primary found: pg4:5432 refuses connections; pg2:5432 is a standby"
    ):
        _choose([DOWN, STANDBY])
