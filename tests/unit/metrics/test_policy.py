"""Which thresholds are exported for a repository that several stanzas share."""

from types import MappingProxyType

from exporter.metrics import policy
from exporter.model.info import Backups, Info, Repository, Status
from exporter.model.info import Stanza as InfoStanza
from exporter.settings import Override, Settings, Stanza, StanzaThresholds
from exporter.snapshot import Expectation, Reading, Reload, Snapshot

OK = Status(code=0, message="ok")


def ratios(stanzas: dict[str, float | None], *declared: str) -> dict[tuple[str, str], float]:
    """The exported thresholds by stanza and severity; each stanza has its own warning, or none."""
    settings = Settings(
        stanzas=MappingProxyType(
            {
                name: Stanza(thresholds=StanzaThresholds(repo_used=Override(warning=warning)))
                for name, warning in stanzas.items()
            }
        )
    )
    listed = tuple(
        InfoStanza(
            name=name, status=OK, repos=(Repository(key=1, cipher="none", status=OK),), backups=Backups(name)
        )
        for name in stanzas
    )
    expected = Expectation(stanzas=tuple(stanzas), declared=frozenset((name, 1) for name in declared))
    reading = Reading(value=Info(stanzas=listed, skipped=(), version=None), attempted=1, succeeded=1)
    snapshot = Snapshot(
        settings=settings, expected=expected, reload=Reload(0), info=MappingProxyType({"": reading})
    )
    group = policy.GROUPS[1]
    rows = (row for part in group.parts(snapshot) for row in group.rows(*part))
    return {(labels[0], labels[3]): value for labels, value in rows}


def test_the_only_stanza_of_a_shared_repository_decides_for_it() -> None:
    assert ratios({"main": 0.5}) == {("", "warning"): 0.5, ("", "critical"): 0.9}


def test_the_strictest_of_several_stanzas_decides() -> None:
    assert ratios({"a": None, "b": 0.6, "c": 0.95})["", "warning"] == 0.6


def test_a_repository_of_its_own_has_its_own() -> None:
    found = ratios({"a": 0.6, "b": None}, "a")
    assert (found["a", "warning"], found["", "warning"]) == (0.6, 0.8)
