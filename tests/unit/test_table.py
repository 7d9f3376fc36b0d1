import dataclasses

from exporter.exposition import Block
from exporter.metrics import GROUPS
from exporter.model.info import Backups, Info, Lock, Progress, Stanza, Status
from exporter.settings import Settings
from exporter.snapshot import Expectation, Reading, Reload, Snapshot
from exporter.table import Group, Metric, Renderer
from tests.unit.rendering import rendered


def stanza(name: str, code: int = 0) -> Stanza:
    return Stanza(name=name, status=Status(code=code, message=""), backups=Backups(name))


def snapshot(*stanzas: Stanza) -> Snapshot:
    reading = Reading(value=Info(stanzas=stanzas), attempted=1.0, succeeded=1.0, took=0.5)
    return Snapshot(settings=Settings(), expected=Expectation(), reload=Reload(1.0), info={"": reading})


def lines(renderer: Renderer, known: Snapshot) -> list[str]:
    exposition = rendered(renderer, known)
    body = exposition.body("", gzip=False, now=0.0, own=lambda _: Block.of(b""))
    return b"".join(body.pieces).decode().splitlines()


def counting() -> tuple[Renderer, list[str]]:
    """Return a renderer of one metric, and the names of the stanzas that its rows were made for."""
    made: list[str] = []

    def rows(one: Stanza) -> list[tuple[tuple[str], Stanza]]:
        made.append(one.name)
        return [((one.name,), one)]

    metric = Metric[Stanza]("code", "The code.", lambda one: one.status.code if one.status else None)
    group = Group(
        labels=("stanza",),
        parts=lambda known: [(one,) for one in known.stanzas],
        rows=rows,
        metrics=(metric,),
    )
    return Renderer([group]), made


def test_only_the_rows_of_what_changed_are_made_anew() -> None:
    renderer, made = counting()
    first, second = stanza("first"), stanza("second")
    lines(renderer, snapshot(first, second))
    after = lines(renderer, snapshot(first, stanza("second", code=2)))
    assert made == ["first", "second", "second"]
    assert after[2:] == ['pgbackrest_code{stanza="first"} 0', 'pgbackrest_code{stanza="second"} 2']


def test_what_has_gone_leaves_no_sample() -> None:
    renderer, _ = counting()
    first, second = stanza("first"), stanza("second")
    lines(renderer, snapshot(first, second))
    assert lines(renderer, snapshot(second))[2:] == ['pgbackrest_code{stanza="second"} 0']
    assert lines(renderer, snapshot()) == []
    assert len(lines(renderer, snapshot(first, second))) == 4


def test_none_is_no_sample() -> None:
    renderer, _ = counting()
    assert lines(renderer, snapshot(dataclasses.replace(stanza("unlisted"), status=None))) == []


def test_every_metric_has_a_help_that_ends_a_sentence_and_a_name_of_its_own() -> None:
    metrics = [metric for group in GROUPS for metric in group.metrics]
    names = [metric.name for metric in metrics]
    assert len(names) == len(set(names))
    assert all(metric.help.endswith(".") for metric in metrics)
    assert all((metric.type == "counter") == metric.name.endswith("_total") for metric in metrics)
    assert all(metric.family.name.startswith("pgbackrest_") for metric in metrics)


def test_progress_is_shown_only_while_the_lock_is_held() -> None:
    lock = Lock(command="backup", held=True, progress=(Progress(repo=None, size=10, done=4),))
    busy = dataclasses.replace(stanza("demo"), locks=(lock,))
    idle = dataclasses.replace(stanza("demo"), locks=(dataclasses.replace(lock, held=False),))
    done = 'pgbackrest_stanza_progress_done_bytes{stanza="demo",command="backup",repo=""} 4'
    assert done in lines(Renderer(GROUPS), snapshot(busy))
    assert done not in lines(Renderer(GROUPS), snapshot(idle))
