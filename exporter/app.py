"""Puts the parts together: settings decide the collectors, collectors fill the state, the web serves it."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType

from exporter.collectors.info import InfoCollector
from exporter.pgbackrest import conf as pgbackrest_conf
from exporter.pgbackrest.client import Client
from exporter.pgbackrest.conf import ConfError
from exporter.schedule import keep
from exporter.settings import Settings
from exporter.settings.file import SettingsError, load
from exporter.snapshot import Expectation, Reading, Reload, Snapshot
from exporter.state import State
from exporter.web import listen
from exporter.web import site as web

log = logging.getLogger(__name__)

# How often pgbackrest.conf is looked at for new stanzas, in seconds: a look is a few stat() calls.
_LOOK_EVERY = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line decides."""

    config_file: Path | None = None
    web_config_file: Path | None = None
    telemetry_path: str = "/metrics"
    enable_lifecycle: bool = False


def expectation(settings: Settings, before: Expectation | None = None) -> Expectation:
    """Return the stanzas that must exist, and what a pgbackrest.conf in force here tells of them.

    While that cannot be read, perhaps since it is being written, what it told *before* still holds.
    """
    if not settings.is_local:
        stanzas = _wanted(settings, settings.stanzas)
        return Expectation(stanzas=stanzas, unsure=stanzas)
    pgbackrest = settings.pgbackrest
    try:
        conf = pgbackrest_conf.read(pgbackrest.config, pgbackrest.config_include_path, os.environ)
    except ConfError as error:
        stanzas = _wanted(settings, settings.stanzas or (before.stanzas if before else ()))
        return replace(
            before or Expectation(),
            stanzas=stanzas,
            own=before.own & frozenset(stanzas) if before else frozenset(),
            unsure=() if before and not before.unsure else stanzas,
            error=None if settings.stanzas else str(error),
        )
    stanzas = _wanted(settings, settings.stanzas or conf.stanzas)
    types = {
        (name, repo): kind for name in ("", *stanzas) for repo, kind in conf.repository_types(name).items()
    }
    return Expectation(
        stanzas=stanzas,
        own=conf.own_repositories & frozenset(stanzas),
        types=MappingProxyType(types),
        declared=frozenset((name, repo) for name, repo in types if name and not conf.declared_for_all(repo)),
    )


def conf_signature(settings: Settings) -> tuple[object, ...]:
    """Tell one state of the pgbackrest.conf in force here from another; take it before reading the file."""
    pgbackrest = settings.pgbackrest
    if not settings.is_local:
        return ()
    return pgbackrest_conf.signature(pgbackrest.config, pgbackrest.config_include_path, os.environ)


def _wanted(settings: Settings, names: Iterable[str]) -> tuple[str, ...]:
    excluded = settings.exclude
    return tuple(
        sorted(name for name in names if not any(fnmatchcase(name, pattern) for pattern in excluded))
    )


def collectors(settings: Settings, expected: Expectation) -> list[InfoCollector]:
    """Return the sources to read: one for all stanzas, and one for each that a plain info does not see."""
    pgbackrest = settings.pgbackrest
    client = Client(
        command=pgbackrest.command,
        config=pgbackrest.config,
        config_include_path=pgbackrest.config_include_path,
    )
    return [
        InfoCollector(client=client, settings=settings.info, unsure=expected.unsure),
        *(
            InfoCollector(client=client, settings=settings.info, stanza=stanza)
            for stanza in sorted(expected.own)
        ),
    ]


class App:
    """The running exporter."""

    def __init__(self, options: Options, settings: Settings) -> None:
        self._options = options
        self._running: dict[tuple[str, str], tuple[InfoCollector, asyncio.Task[None]]] = {}
        self._seen = conf_signature(settings)
        snapshot = Snapshot(settings=settings, expected=expectation(settings), reload=Reload(time.time()))
        self.state = State(snapshot, options.telemetry_path)
        self._stop = asyncio.Event()
        self._hangup = asyncio.Event()
        self._plan: dict[tuple[str, str], InfoCollector] = {}
        self._group: asyncio.TaskGroup
        self._served: web.Serving

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Serve on *sockets* until SIGTERM or SIGINT; raises WebConfigError before anything is served."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._hangup.set)
        self._apply_plan()
        await self.state.render_first()
        reload = self.reload if self._options.enable_lifecycle else None
        serving = web.serving(
            self.state,
            sockets=sockets,
            web_config_path=self._options.web_config_file,
            telemetry_path=self._options.telemetry_path,
            reload=reload,
        )
        async with serving as served, asyncio.TaskGroup() as group:
            self._group, self._served = group, served
            self._start()
            tasks = [
                group.create_task(self.state.keep_rendering(), name="render"),
                group.create_task(self._keep_looking(), name="look at pgbackrest.conf"),
                group.create_task(self._keep_reloading(), name="reload"),
            ]
            for sock in sockets:
                log.info("listening", extra={"address": listen.url(sock)})
            await self._stop.wait()
            log.info("stopping")
            for task in [*tasks, *(task for _, task in self._running.values())]:
                task.cancel()

    async def reload(self) -> str | None:
        """Read settings and web configuration anew. Return None, or one line when the old ones stay."""
        refused = [self._reload_settings(), await self._served.refresh()]
        return "; ".join(filter(None, refused)) or None

    def _reload_settings(self) -> str | None:
        try:
            settings = load(self._options.config_file)
        except SettingsError as error:
            for problem in error.problems:
                log.error("settings refused", extra={"problem": problem})  # noqa: TRY400
            words = error.problems[0] + (f" (and {len(error.problems) - 1} more)" * (len(error.problems) > 1))
            self.state.change(reload=Reload(time.time(), words))
            return "; ".join(error.problems)
        self.state.change(settings=settings, reload=Reload(time.time()))
        self._replan()
        log.info("settings reloaded")
        return None

    def _replan(self) -> None:
        latest = self.state.latest
        self._seen = conf_signature(latest.settings)
        self.state.change(expected=expectation(latest.settings, latest.expected))
        self._apply_plan()
        self._start()

    def _apply_plan(self) -> None:
        """Make the snapshot know exactly the collectors that the settings ask for."""
        snapshot = self.state.latest
        if snapshot.expected.error:
            log.warning("pgbackrest.conf cannot be read", extra={"error": snapshot.expected.error})
        self._plan = {(one.name, one.stanza): one for one in collectors(snapshot.settings, snapshot.expected)}
        for name in snapshot.readings():
            known = snapshot.readings()[name]
            sources = [stanza for collector, stanza in self._plan if collector == name]
            self.state.change(**{name: {stanza: known.get(stanza, Reading()) for stanza in sources}})

    def _start(self) -> None:
        """Start and end collectors until those of the plan run; one that is as it was goes on undisturbed."""
        for key, (collector, task) in list(self._running.items()):
            planned = self._plan.get(key)
            if planned is None or not collector.same_as(planned):
                task.cancel()
                del self._running[key]
        for key, collector in self._plan.items():
            if key not in self._running:
                name, stanza = key
                last = self.state.latest.readings()[name][stanza]
                task = self._group.create_task(keep(collector, self.state.put, last=last), name=" ".join(key))
                self._running[key] = collector, task

    async def _keep_looking(self) -> None:
        """Notice a change of pgbackrest.conf: a new stanza is expected from then on."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            if conf_signature(self.state.latest.settings) != self._seen:
                log.info("pgbackrest.conf has changed")
                self._replan()

    async def _keep_reloading(self) -> None:
        while True:
            await self._hangup.wait()
            self._hangup.clear()
            await self.reload()


def run(options: Options, settings: Settings, sockets: Sequence[socket.socket]) -> None:
    """Run until SIGTERM or SIGINT. Raises WebConfigError before anything is served."""

    async def main() -> None:
        await App(options, settings).serve(sockets)

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
