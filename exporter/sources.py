"""Which sources there are: what the settings name, and what pgbackrest.conf tells where to look."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from exporter.collectors.info import InfoCollector
from exporter.collectors.patroni import PatroniCollector
from exporter.collectors.repository import RepositoryCollector
from exporter.collectors.restore_tests import RestoreTestsCollector
from exporter.collectors.runs import RunsCollector
from exporter.pgbackrest import conf as pgbackrest_conf
from exporter.pgbackrest import here
from exporter.pgbackrest.client import Client
from exporter.pgbackrest.conf import ConfError, PgBackRestConf
from exporter.pgbackrest.repositories import Place, places, retention
from exporter.schedule import Collector
from exporter.settings import Settings, Stanza
from exporter.snapshot import Expectation, Off, Snapshot

Latest = Callable[[], Snapshot]
"""Gives all that is known now: for a collector that builds on what others found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What pgbackrest.conf says, *conf* None where it is out of reach, and which stanzas are expected for it."""

    expected: Expectation = field(default_factory=Expectation)
    conf: PgBackRestConf | None = None
    signature: tuple[object, ...] = ()

    def changed(self, settings: Settings) -> bool:
        """Whether pgbackrest.conf is not as it was."""
        return _signature(settings) != self.signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The collectors to run, by name and stanza, and those that are off."""

    collectors: Mapping[tuple[str, str], Collector] = field(default_factory=lambda: MappingProxyType({}))
    off: tuple[Off, ...] = ()


def look_around(settings: Settings, before: Surroundings | None = None) -> Surroundings:
    """Read pgbackrest.conf, if that in force is here; while it cannot be read, what it told *before* still holds."""
    signature = _signature(settings)
    pgbackrest = settings.pgbackrest
    if not settings.is_local:
        stanzas = _wanted(settings, settings.stanzas)
        return Surroundings(expected=Expectation(stanzas=stanzas, unsure=stanzas), signature=signature)
    try:
        conf = pgbackrest_conf.read(pgbackrest.config, pgbackrest.config_include_path, os.environ)
    except ConfError as error:
        known = before or Surroundings()
        return Surroundings(
            expected=_unreadable(settings, known.expected if before else None, error),
            conf=known.conf,
            signature=signature,
        )
    return Surroundings(expected=_told(settings, conf), conf=conf, signature=signature)


def plan(settings: Settings, around: Surroundings, latest: Latest) -> Plan:
    """Return what there is to read; the same surroundings give an equal plan."""
    found = [
        *_info(settings, around),
        *_repository(settings, around, latest),
        *_archiver(settings, around, latest),
        *_patroni(settings, around),
        *_restore_tests(settings, around),
        *_runs(settings, around, latest),
    ]
    return Plan(
        collectors=MappingProxyType(
            {(one.name, one.stanza): one for one in found if not isinstance(one, Off)}
        ),
        off=tuple(one for one in found if isinstance(one, Off)),
    )


def _signature(settings: Settings) -> tuple[object, ...]:
    pgbackrest = settings.pgbackrest
    if not settings.is_local:
        return ()
    return pgbackrest_conf.signature(pgbackrest.config, pgbackrest.config_include_path, os.environ)


def _told(settings: Settings, conf: PgBackRestConf) -> Expectation:
    stanzas = _wanted(settings, settings.stanzas or conf.stanzas)
    types = {
        (name, repo): kind for name in ("", *stanzas) for repo, kind in conf.repository_types(name).items()
    }
    return Expectation(
        stanzas=stanzas,
        own=conf.own_repositories & frozenset(stanzas),
        unsure=tuple(name for name in stanzas if _behind_a_host(conf, name)),
        types=MappingProxyType(types),
        declared=frozenset((name, repo) for name, repo in types if name and not conf.declared_for_all(repo)),
        retentions=MappingProxyType(
            {
                (name, place.repo): kept
                for name in stanzas
                for place in places(conf, name)
                if (kept := retention(conf, name, place))
            }
        ),
    )


def _behind_a_host(conf: PgBackRestConf, stanza: str) -> bool:
    return any(conf.option(stanza, f"repo{repo}-host", "info") for repo in conf.repositories(stanza))


def _unreadable(settings: Settings, before: Expectation | None, error: ConfError) -> Expectation:
    stanzas = _wanted(settings, settings.stanzas or (before.stanzas if before else ()))
    return replace(
        before or Expectation(),
        stanzas=stanzas,
        own=before.own & frozenset(stanzas) if before else frozenset(),
        unsure=() if before and not before.unsure else stanzas,
        error=None if settings.stanzas else str(error),
    )


def _wanted(settings: Settings, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(name for name in names if not settings.excludes(name)))


# --- one function for each source, which yields its collectors, or says why there is none ----------------------


def _info(settings: Settings, around: Surroundings) -> Iterator[Collector]:
    """One for all stanzas, and one for each that a plain info does not see."""
    client, expected = Client.of(settings.pgbackrest), around.expected
    yield InfoCollector(client=client, settings=settings.info, unsure=expected.unsure)
    for stanza in sorted(expected.own):
        yield InfoCollector(client=client, settings=settings.info, stanza=stanza)


def _patroni(settings: Settings, around: Surroundings) -> Iterator[Collector | Off]:
    """One for each stanza that names its cluster's addresses: nothing else tells that Patroni is there."""
    stanzas = {name: settings.stanzas.get(name, Stanza()).patroni for name in around.expected.stanzas}
    if settings.patroni.enabled is False:
        yield Off("patroni", "", "switched off in the settings: patroni.enabled")
        return
    if not any(stanzas.values()):
        yield Off("patroni", "", "no stanza names Patroni's addresses: stanzas.NAME.patroni")
        return
    for stanza, urls in stanzas.items():
        if urls:
            # The leader's position stands in for PostgreSQL's own word of its archiving.
            asked = settings.stanzas[stanza].postgresql is not None
            yield PatroniCollector(stanza=stanza, urls=urls, settings=settings.patroni, positions=not asked)
        else:
            yield Off("patroni", stanza, f"no address of Patroni is named: stanzas.{stanza}.patroni")


def _archiver(settings: Settings, around: Surroundings, latest: Latest) -> Iterator[Collector | Off]:
    """One for each stanza whose server is stated or here, else where the spool is here or Patroni is named."""
    if settings.archiver.enabled is False:
        yield Off("archiver", "", "switched off in the settings: archiver.enabled")
        return
    for stanza in around.expected.stanzas:
        conninfo, why = _server(settings, around, stanza)
        spool = here.spool(around.conf, stanza) if around.conf and settings.is_local else None
        patroni = (
            settings.stanzas.get(stanza, Stanza()).patroni if settings.patroni.enabled is not False else ()
        )
        if conninfo or patroni or (spool and here.is_here(spool)):
            # libpq takes half as long to load as all the rest: it is loaded where it is used.
            from exporter.collectors.archiver import ArchiverCollector  # noqa: PLC0415

            yield ArchiverCollector(
                settings=settings.archiver, stanza=stanza, conninfo=conninfo, spool=spool, latest=latest
            )
        else:
            yield Off("archiver", stanza, why)


def _server(settings: Settings, around: Surroundings, stanza: str) -> tuple[str | None, str]:
    """Return how to connect to a stanza's server, else why nobody knows."""
    state = f"state stanzas.{stanza}.postgresql"
    if stanza in settings.stanzas and (stated := settings.stanzas[stanza].postgresql):
        return stated, ""
    if around.conf is None:
        return None, f"no connection to PostgreSQL is known: {state}"
    server = here.local_server(around.conf, stanza)
    if server is None:
        host = here.other_host(around.conf, stanza)
        return None, f"PostgreSQL is on {host}: {state}" if host else f"no pg1-path is known: {state}"
    if settings.archiver.enabled or server.exists():
        return server.conninfo, ""
    return None, f"neither {server.socket} nor {server.data} is here: {state}"


def _restore_tests(settings: Settings, around: Surroundings) -> Iterator[Collector | Off]:
    """One for all stanzas, where there are records: their folder is made by the first test."""
    section = settings.restore_tests
    records = Path(settings.restore_test_records)
    if section.enabled is False:
        yield Off("restore_tests", "", "switched off in the settings: restore_tests.enabled")
    elif section.enabled or section.records or here.is_here(records):
        yield RestoreTestsCollector(records=records, settings=section, stanzas=around.expected.stanzas)
    else:
        yield Off(
            "restore_tests",
            "",
            f"no test has run that we could see: there is no {records} (pgbackrest-exporter restore-test)",
        )


def _repository(settings: Settings, around: Surroundings, latest: Latest) -> Iterator[Collector | Off]:
    """One for each stanza: of repositories on this machine's disk, unless all are asked for."""
    enabled = settings.repository.enabled
    stanzas = around.expected.stanzas or tuple(stanza.name for stanza in latest().stanzas)
    if enabled is False:
        yield Off("repository", "", "repository.enabled is false")
        return
    if not enabled and not settings.is_local:
        why = "pgBackRest runs elsewhere: repository.enabled: true lists its repositories all the same"
        yield Off("repository", "", why)
        return
    for stanza in stanzas:
        known = places(around.conf, stanza) if around.conf and settings.is_local else None
        chosen = _chosen(known, enabled=bool(enabled))
        if chosen == ():
            yield Off("repository", stanza, _ELSEWHERE)
        else:
            client = Client.of(settings.pgbackrest)
            yield RepositoryCollector(
                client=client, settings=settings.repository, stanza=stanza, places=chosen, latest=latest
            )


_ELSEWHERE = (
    "no repository is on this machine's disk: LIST calls cost money or time elsewhere,"
    " so on one host say repository.enabled: true"
)


def _chosen(known: tuple[Place, ...] | None, *, enabled: bool) -> tuple[Place, ...] | None:
    """Return the repositories to list, () for none, and None for all that `info` will tell of."""
    if enabled:
        return known
    return tuple(place for place in known or () if place.path is not None)


def _runs(settings: Settings, around: Surroundings, latest: Latest) -> Iterator[Collector | Off]:
    """One for all stanzas, where there are logs or records."""
    own = settings.runs
    if own.enabled is False:
        yield Off("runs", "", "switched off in the settings: runs.enabled")
        return
    conf = around.conf if settings.is_local else None
    stanzas = around.expected.stanzas
    logs = (Path(own.log_path),) if own.log_path else _logs(conf, stanzas)
    records = Path(settings.run_records)
    quiet = {name: line for name in stanzas if (line := here.too_quiet(conf, name))} if conf else {}
    is_recorded = own.records is not None or here.is_here(records)
    if own.log_path is None and stanzas and len(quiet) == len(stanzas):
        logs = ()
    if not logs and not is_recorded and not own.enabled:
        yield Off("runs", "", _why_no_runs(conf, stanzas, tuple(quiet.values()), records))
        return
    lowest = ((name, here.lowest_repository(conf, name)) for name in stanzas) if conf else ()
    yield RunsCollector(
        settings=own,
        log_paths=logs,
        lock_path=here.locks(conf) if conf else None,
        records=records,
        state=Path(settings.state_path, "runs.json"),
        stanzas=stanzas,
        exclude=settings.exclude,
        lowest_repos=tuple((name, str(repo)) for name, repo in lowest if repo != 1),
        blind=tuple(quiet.items()),
        latest=latest,
    )


def _logs(conf: PgBackRestConf | None, stanzas: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(path for path in here.logs(conf, stanzas) if here.is_here(path)) if conf else ()


def _why_no_runs(
    conf: PgBackRestConf | None, stanzas: tuple[str, ...], quiet: tuple[str, ...], records: Path
) -> str:
    if conf is None:
        return "pgBackRest's logs are not here: state runs.log_path, or runs.records"
    if quiet:
        return quiet[0]
    folders = ", ".join(map(str, here.logs(conf, stanzas)))
    return (
        f"there are neither logs in {folders} nor records in {records}: state runs.log_path, or start "
        "commands by `pgbackrest-exporter run`"
    )
