from exporter.model.info import Backups, Info, Repository, Stanza, Status
from exporter.settings import Settings
from exporter.snapshot import INVALID, Expectation, Reading, Reload, Snapshot

OK = Status(code=0, message="ok")


def stanza(name: str, *repos: Repository) -> Stanza:
    return Stanza(name=name, status=OK, repos=repos, backups=Backups(name))


def reading(*stanzas: Stanza) -> Reading[Info]:
    return Reading(value=Info(stanzas=stanzas), attempted=1.0, succeeded=1.0)


def snapshot(expected: Expectation, exclude: tuple[str, ...] = (), **info: Reading[Info]) -> Snapshot:
    sources = {"" if name == "plain" else name: one for name, one in info.items()}
    return Snapshot(settings=Settings(exclude=exclude), expected=expected, reload=Reload(0.0), info=sources)


def statuses(known: Snapshot) -> dict[str, Status | None]:
    return {one.name: one.status for one in known.stanzas}


def test_an_expected_stanza_that_is_not_listed_has_no_status() -> None:
    known = snapshot(Expectation(("gone", "here")), plain=reading(stanza("here")))
    assert statuses(known) == {"gone": None, "here": OK}


def test_before_the_first_reading_nothing_is_said_of_any_stanza() -> None:
    assert snapshot(Expectation(("main",)), plain=Reading()).stanzas == ()


def test_an_unexpected_stanza_is_shown_too() -> None:
    assert statuses(snapshot(Expectation(("main",)), plain=reading(stanza("main"), stanza("other")))) == {
        "main": OK,
        "other": OK,
    }


def test_an_excluded_stanza_is_not_shown() -> None:
    known = snapshot(Expectation(), ("scratch-*",), plain=reading(stanza("scratch-1"), stanza("main")))
    assert statuses(known) == {"main": OK}


def test_a_stanza_with_its_own_repository_is_taken_from_its_own_reading_alone() -> None:
    expected = Expectation(("main", "own"), own=frozenset({"own"}))
    seen_badly, seen_well = stanza("own"), stanza("own")
    known = snapshot(expected, plain=reading(stanza("main"), seen_badly), own=reading(seen_well))
    assert known.stanzas[1] is seen_well
    failing = snapshot(expected, plain=reading(stanza("main"), seen_badly), own=Reading())
    assert statuses(failing) == {"main": OK}


def test_a_repository_that_failed_before_any_stanza_was_seen_counts_for_every_expected_one() -> None:
    broken = Repository(key=1, cipher="none", status=Status(code=99, message="[PathOpenError] …"))
    invalid = Stanza(name=INVALID, status=broken.status, repos=(broken,), backups=Backups(INVALID))
    known = snapshot(Expectation(("main",)), plain=reading(invalid))
    assert statuses(known) == {"main": None}
    assert known.stanzas[0].repos == (broken,)
    assert statuses(snapshot(Expectation(), plain=reading(invalid))) == {INVALID: broken.status}


def test_the_same_facts_of_a_missing_stanza_are_the_same_object() -> None:
    known = snapshot(Expectation(("gone",)), plain=reading())
    assert known.stanzas[0] is known.stanzas[0]


def test_a_type_declared_for_all_holds_where_a_stanza_declares_none() -> None:
    expected = Expectation(types={("", 1): "s3", ("own", 1): "posix"})
    assert (expected.type_of("main", 1), expected.type_of("own", 1), expected.type_of("main", 2)) == (
        "s3",
        "posix",
        "",
    )
