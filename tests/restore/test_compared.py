"""Comparisons with production, and what the copy needs here: each fault fails the one check that is about it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.lab import Lab
from tests.lab.postgresql import binaries
from tests.lab.stanza import Stanza
from tests.restore.proofs import Outcome, Proofs, dsn


def compared(proofs: Proofs, stanza: Stanza, *words: str) -> Outcome:
    """A test that asks production."""
    return proofs.run(stanza, *words, amcheck="off", postgresql=dsn(stanza))


@contextmanager
def only_there(lab: Lab, stanza: Stanza, library: str) -> Iterator[Path]:
    """A library of PostgreSQL's that production has a copy of: call `unlink` before this host looks for it."""
    folder = Path(lab.as_account(str(binaries() / "pg_config"), "--pkglibdir").strip())
    copy = stanza.cluster.data.parent / f"own_{library}"
    shutil.copy(folder / library, copy)
    try:
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def test_a_stray_timeline_in_the_archive_is_told(lab: Lab, proofs: Proofs, sound: Stanza) -> None:
    """What a copy that was promoted by mistake archives first; recovery to the latest state would follow it."""
    sound.switch_wal()
    here = sound.cluster.sql("select pg_current_wal_lsn()")
    stray = next((lab.repository(1) / "archive" / sound.name).glob("*-1")) / "00000002.history"
    stray.write_text(f"1\t{here}\tno recovery target specified\n")
    shutil.chown(stray, lab.account.uid, lab.account.gid)
    try:
        outcome = compared(proofs, sound)
    finally:
        stray.unlink()
    assert (outcome.code, outcome.failed) == (1, ["timeline"]), outcome.said
    assert "recovery followed timeline 2 of the archive, production is on 1" in outcome.record["words"]


def test_a_slot_whose_plugin_is_not_here_is_told(lab: Lab, proofs: Proofs, sound: Stanza) -> None:
    with only_there(lab, sound, "pgoutput.so") as plugin:
        create = f"select pg_create_logical_replication_slot('foreign', '{plugin.with_suffix('')}')"
        sound.cluster.sql(create)
        plugin.unlink()
        try:
            outcome = compared(proofs, sound, "--target=immediate")
        finally:
            sound.cluster.sql("select pg_drop_replication_slot('foreign')")
    assert (outcome.code, outcome.failed) == (1, ["slots"]), outcome.said
    assert outcome.record["words"].startswith("slots: foreign: could not access file")


def test_an_extension_that_is_not_here_is_told(lab: Lab, proofs: Proofs, sound: Stanza) -> None:
    """Its library, which a function is in, and its files of that version."""
    version = sound.cluster.sql("select extversion from pg_extension where extname = 'pg_trgm'")
    with only_there(lab, sound, "pg_trgm.so") as library:
        sound.cluster.sql(
            f"create function foreign_similarity(text, text) returns real"
            f" as '{library.with_suffix('')}', 'similarity' language c"
        )
        sound.cluster.sql("update pg_extension set extversion = '99' where extname = 'pg_trgm'")
        sound.switch_wal()
        library.unlink()
        try:
            outcome = compared(proofs, sound)
        finally:
            sound.cluster.sql("drop function foreign_similarity")
            sound.cluster.sql(f"update pg_extension set extversion = '{version}' where extname = 'pg_trgm'")
            sound.switch_wal()
    assert (outcome.code, outcome.failed) == (1, ["extensions"]), outcome.said
    words = outcome.checks["extensions"]["words"]
    assert "postgres: pg_trgm 99 is not installed here" in words
    assert "own_pg_trgm" in words


def test_tables_that_are_missing_are_told(proofs: Proofs, sound: Stanza) -> None:
    """Some may have come or gone since the moment that was restored, but not half of a schema."""
    sound.cluster.sql("create schema shop")
    for number in range(4):
        sound.cluster.sql(f"create table shop.t{number} ()")
    try:
        outcome = compared(proofs, sound, "--target=immediate")
    finally:
        sound.cluster.sql("drop schema shop cascade")
    assert (outcome.code, outcome.failed) == (1, ["table_counts"]), outcome.said
    assert outcome.record["words"] == "table_counts: shop has 0 tables, in production 4"
