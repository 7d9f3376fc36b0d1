"""What `pgbackrest info` tells of stanzas, repositories, databases and the archive's span."""

from collections.abc import Iterator
from typing import Any

from exporter import wal
from exporter.model.info import Archive, Database, Info, Lock, Progress, Repository, Stanza
from exporter.snapshot import Expectation, Snapshot
from exporter.table import Group, Metric, Part, Row, one


def _each_stanza(snapshot: Snapshot) -> Iterator[Part]:
    return ((stanza,) for stanza in snapshot.stanzas)


def _each_stanza_expected(snapshot: Snapshot) -> Iterator[Part]:
    return ((stanza, snapshot.expected) for stanza in snapshot.stanzas)


def _each_info(snapshot: Snapshot) -> Iterator[Part]:
    return ((source, reading.value) for source, reading in snapshot.info.items() if reading.value)


def _expected(expected: Expectation) -> Iterator[Row[str]]:
    return (((name,), name) for name in expected.stanzas)


def _stanza(stanza: Stanza) -> Iterator[Row[Stanza]]:
    yield (stanza.name,), stanza


def _locks(stanza: Stanza) -> Iterator[Row[Lock]]:
    return (((stanza.name, lock.command), lock) for lock in stanza.locks)


def _progress(stanza: Stanza) -> Iterator[Row[Progress]]:
    for lock in stanza.locks:
        for progress in lock.progress if lock.held else ():
            repo = "" if progress.repo is None else str(progress.repo)
            yield (stanza.name, lock.command, repo), progress


def _databases(stanza: Stanza) -> Iterator[Row[Database]]:
    for database in stanza.databases:
        state = "current" if database == stanza.current_database(database.repo) else "prior"
        identity = (str(database.repo), str(database.id), database.version, str(database.system_id))
        yield (stanza.name, *identity, state), database


def _repositories(stanza: Stanza) -> Iterator[Row[Repository]]:
    return (((stanza.name, str(repo.key)), repo) for repo in stanza.repos)


def _repository_kinds(stanza: Stanza, expected: Expectation) -> Iterator[Row[Repository]]:
    for repo in stanza.repos:
        kind = expected.type_of(stanza.name, repo.key)
        yield (stanza.name, str(repo.key), repo.cipher, kind), repo


def _archives(stanza: Stanza) -> Iterator[Row[Archive]]:
    return (((stanza.name, str(archive.repo)), archive) for archive in stanza.current_archives())


def _segment_number(name: str | None, archive: Archive) -> int | None:
    segment = wal.parse(name or "")
    if segment is None or archive.wal_segment_size is None:
        return None
    return segment.number(archive.wal_segment_size)


def _timeline(archive: Archive) -> int | None:
    segment = wal.parse(archive.newest or "")
    return segment.timeline if segment else None


def _infos(source: str, info: Info) -> Iterator[Row[Info]]:
    yield (source,), info


def _versions(source: str, info: Info) -> Iterator[Row[Info]]:
    if not source and info.version is not None:
        yield (info.version,), info


_REPO = ("stanza", "repo")

GROUPS: tuple[Group[Any], ...] = (
    Group(
        labels=("stanza",),
        parts=lambda snapshot: [(snapshot.expected,)],
        rows=_expected,
        metrics=(
            Metric(
                "stanza_expected",
                "1 for each stanza that must exist, by the settings or by the sections of pgbackrest.conf.",
                one,
            ),
        ),
    ),
    Group(
        labels=("stanza",),
        parts=_each_stanza,
        rows=_stanza,
        metrics=(
            Metric[Stanza](
                "stanza_ok",
                "1: pgBackRest reports status code 0. 0: any other code, or expected and not listed at all.",
                lambda stanza: stanza.status is not None and stanza.status.ok,
            ),
            Metric[Stanza](
                "stanza_status_code",
                "pgBackRest's status code: 0 ok, 1 missing stanza path, 2 no valid backups, 3 missing stanza data, "
                "4 different across repos, 5 database mismatch across repos, 99 other.",
                lambda stanza: stanza.status.code if stanza.status else None,
            ),
        ),
    ),
    Group(
        labels=("stanza", "command"),
        parts=_each_stanza,
        rows=_locks,
        metrics=(
            Metric[Lock](
                "stanza_lock_held",
                "1: a command holds its lock on this host. command is backup (also expire, annotate and "
                "stanza-*) or restore.",
                lambda lock: lock.held,
            ),
        ),
    ),
    Group(
        labels=("stanza", "command", "repo"),
        parts=_each_stanza,
        rows=_progress,
        metrics=(
            Metric[Progress](
                "stanza_progress_size_bytes",
                "Bytes that the running command has to copy. repo is empty before pgBackRest 2.59.",
                lambda progress: progress.size,
            ),
            Metric[Progress](
                "stanza_progress_done_bytes",
                "Bytes that the running command has copied. repo is empty before pgBackRest 2.59.",
                lambda progress: progress.done,
            ),
        ),
    ),
    Group(
        labels=("stanza", "repo", "database_id", "pg_version", "system_id", "state"),
        parts=_each_stanza,
        rows=_databases,
        metrics=(
            Metric(
                "database_info",
                "1 for each database (cluster) that a repository knows. state is current or prior (before an upgrade).",
                one,
            ),
        ),
    ),
    Group(
        labels=_REPO,
        parts=_each_stanza,
        rows=_repositories,
        metrics=(
            Metric[Repository](
                "repo_ok",
                "1: pgBackRest reports status code 0 for the stanza in this repository.",
                lambda repo: repo.status.ok,
            ),
            Metric[Repository](
                "repo_status_code",
                "pgBackRest's status code of the stanza in this repository, as in pgbackrest_stanza_status_code.",
                lambda repo: repo.status.code,
            ),
        ),
    ),
    Group(
        labels=(*_REPO, "cipher", "type"),
        parts=_each_stanza_expected,
        rows=_repository_kinds,
        metrics=(
            Metric(
                "repo_info",
                "1. cipher is none or aes-256-cbc; type is posix, cifs, s3, gcs, azure or sftp where "
                "pgbackrest.conf tells it.",
                one,
            ),
        ),
    ),
    Group(
        labels=_REPO,
        parts=_each_stanza,
        rows=_archives,
        metrics=(
            Metric[Archive](
                "wal_archive_newest_timeline",
                "Timeline of the newest segment in the archive of the current database.",
                _timeline,
            ),
            Metric[Archive](
                "wal_archive_newest_segment_number",
                "Position of the newest archived segment, counted in segments.",
                lambda archive: _segment_number(archive.newest, archive),
            ),
            Metric[Archive](
                "wal_archive_oldest_segment_number",
                "Position of the oldest archived segment, counted in segments.",
                lambda archive: _segment_number(archive.oldest, archive),
            ),
            Metric[Archive](
                "wal_archive_segment_size_bytes",
                "Size of a WAL segment, inferred from the LSNs of the backups.",
                lambda archive: archive.wal_segment_size,
            ),
            Metric[Archive](
                "wal_archive_segments_total",
                "Segments by which the newest archived position moved forward while watched.",
                lambda archive: archive.advanced,
                "counter",
            ),
        ),
    ),
    Group(
        labels=("stanza",),
        parts=_each_info,
        rows=_infos,
        metrics=(
            Metric[Info](
                "info_skipped_entries",
                "Entries of the last info document that could not be read and were left out; the log names them. "
                'stanza is "" for the document of all stanzas.',
                lambda info: len(info.skipped),
            ),
        ),
    ),
    Group(
        labels=("version",),
        parts=_each_info,
        rows=_versions,
        metrics=(Metric("version_info", "1. pgBackRest's version.", one),),
    ),
)
