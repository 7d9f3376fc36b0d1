"""Which backup is chosen, and what comes next."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model.info import Archive, Backup, Backups, BackupType, Database, Repository, Stanza, Status
from exporter.pgbackrest.conf import read
from exporter.restore.choice import Choice, ChoiceError, choose, kind_and_repo
from exporter.restore.order import Aim, Order
from exporter.restore.trial import _whole_from

OK = Status(code=0, message="ok")
ORDER = Order(stanza="main")


def backup(label: str, stop: int, *, repo: int = 1, database: int = 1, kind: BackupType = "full") -> Backup:
    return Backup(
        stanza="main", repo=repo, label=label, type=kind, database_id=database, start=stop - 10, stop=stop,
        size=1000, delta=1000, repo_size=500, repo_delta=500, error=False, prior=None,
        wal_start="000000010000000000000002", wal_stop="000000010000000000000002", lsn_start="0/2000028",
        backrest_version="2.45",
    )  # fmt: skip


def stanza(*backups: Backup, repos: Sequence[int] = (1, 2)) -> Stanza:
    return Stanza(
        name="main",
        status=OK,
        repos=tuple(Repository(key=key, cipher="none", status=OK) for key in repos),
        databases=tuple(Database(id=1, repo=key, version="15", system_id=7) for key in repos),
        archives=tuple(
            Archive(
                database_id=1, repo=key, oldest="000000010000000000000002", newest="000000010000000000000005",
                wal_segment_size=16 << 20,
            )
            for key in repos
        ),
        backups=Backups("main", backups),
    )  # fmt: skip


def chosen(
    known: Stanza, aim: Aim, *, order: Order = ORDER, newest: float = 1000, whole_from: str = ""
) -> Choice:
    return choose(order, known, aim, 1, newest=newest, whole_from=whole_from, chance=Random(1))


def test_the_newest_backup_is_restored_to_the_latest_state() -> None:
    found = chosen(stanza(backup("A", 100), backup("B", 200)), Aim("latest"))
    assert (found.backup.label, found.target, found.moment) == ("B", "latest", None)
    assert found.wal_bytes == 4 * (16 << 20)


def test_a_moment_needs_a_backup_that_ended_before_it() -> None:
    known = stanza(backup("A", 100), backup("B", 200))
    assert chosen(known, Aim("time", 150)).backup.label == "A"
    assert chosen(known, Aim("time", 201)).backup.label == "B"
    with pytest.raises(ChoiceError, match="no backup of repository 1 ended before that moment"):
        chosen(known, Aim("time", 100))


def test_a_label_is_taken_at_its_word() -> None:
    known = stanza(backup("A", 100), backup("B", 200))
    assert chosen(known, Aim("latest"), order=Order(stanza="main", label="A")).backup.label == "A"
    with pytest.raises(ChoiceError, match="holds no backup C"):
        chosen(known, Aim("latest"), order=Order(stanza="main", label="C"))


@given(seed=st.integers(), newest=st.floats(min_value=0, max_value=1e6))
def test_a_random_moment_lies_behind_the_backup_that_is_restored_for_it(seed: int, newest: float) -> None:
    known = stanza(backup("A", 100), backup("B", 5000), backup("C", 9000, kind="incr"))
    found = choose(ORDER, known, Aim("random"), 1, newest=newest, whole_from="", chance=Random(seed))
    assert found.target == "time"
    assert found.random
    assert found.moment is not None
    assert found.backup.stop < found.moment <= max(newest, 102)


def test_where_wal_is_kept_for_the_newest_full_alone_chance_stays_behind_it() -> None:
    known = stanza(backup("A", 100), backup("B", 5000), backup("C", 5500, kind="incr"))
    for seed in range(20):
        found = choose(ORDER, known, Aim("random"), 1, newest=6000, whole_from="full", chance=Random(seed))
        assert found.backup.label in ("B", "C")


def test_backups_of_an_older_database_are_not_tested() -> None:
    known = stanza(backup("A", 100), backup("OLD", 200, database=0))
    assert chosen(known, Aim("latest")).backup.label == "A"


def test_what_was_tested_longest_ago_comes_next_and_what_never_was_before_all() -> None:
    known = stanza(backup("A", 100), backup("B", 200, repo=2))
    aims = [Aim("latest"), Aim("random")]
    tried: dict[tuple[int, str], float] = {}
    turns = []
    for now in range(1, 7):
        aim, repo = kind_and_repo(ORDER, known, aims, (), tried)
        tried[repo, aim.kind] = now
        turns.append((aim.kind, repo))
    assert len(set(turns[:4])) == 4
    assert turns[4:] == turns[:2]


def test_an_order_leaves_no_choice_and_an_empty_repository_is_named() -> None:
    known = stanza(backup("A", 100))
    order = Order(stanza="main", repo=1, aim=Aim("immediate"))
    assert kind_and_repo(order, known, [Aim("latest")], (), {}) == (Aim("immediate"), 1)
    with pytest.raises(ChoiceError, match="repository 2 holds no backup"):
        kind_and_repo(Order(stanza="main", repo=2), known, [Aim("latest")], (), {})
    with pytest.raises(ChoiceError, match="no repository holds a backup"):
        kind_and_repo(ORDER, stanza(), [Aim("latest")], (), {})


@pytest.mark.parametrize(
    ("conf", "kept"),
    [
        ("[main]\n", ""),
        ("[global]\nrepo1-retention-full=2\n[main]\n", ""),
        ("[global]\nrepo1-retention-archive=2\n[main]\n", "full"),
        ("[global]\nrepo1-retention-archive-type=incr\n[main]\nrepo1-retention-archive=3\n", "incr"),
        ("[global]\nrepo1-retention-diff=2\nrepo1-retention-archive-type=diff\n[main]\n", "diff"),
        ("[global]\nrepo2-retention-archive=2\n[main]\n", ""),
    ],
)
def test_retention_decides_from_which_backups_on_wal_is_whole(tmp_path: Path, conf: str, kept: str) -> None:
    file = tmp_path / "pgbackrest.conf"
    file.write_text(conf)
    assert _whole_from(read(str(file), None, {}), "main", 1) == kept
