"""Puts the parts together: settings decide the collectors, collectors fill the state, the web serves it."""

import asyncio
import contextlib
import logging
import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporter.metrics import GROUPS, compat
from exporter.notify import Manager
from exporter.schedule import Collector, keep
from exporter.settings import Settings
from exporter.settings.file import SettingsError, load
from exporter.snapshot import Reading, Reload, Snapshot
from exporter.sources import Plan, look_around, plan
from exporter.state import State, Table
from exporter.watchdog import Watchdog
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
    compat_path: str | None = None
    enable_lifecycle: bool = False


class App:
    """The running exporter."""

    def __init__(self, options: Options, settings: Settings, manager: Manager) -> None:
        self._options = options
        self._manager = manager
        self._watchdog = Watchdog(manager)
        self._running: dict[tuple[str, str], tuple[Collector, asyncio.Task[None]]] = {}
        self._around = look_around(settings)
        snapshot = Snapshot(settings=settings, expected=self._around.expected, reload=Reload(time.time()))
        tables: list[Table] = [(options.telemetry_path, GROUPS)]
        if options.compat_path is not None:
            tables.append((options.compat_path, compat.GROUPS))
        self.state = State(snapshot, *tables)
        self._stop = asyncio.Event()
        self._hangup = asyncio.Event()
        self._plan = Plan()
        self._group: asyncio.TaskGroup
        self._served: web.Serving

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Serve on *sockets* until SIGTERM or SIGINT; raises WebConfigError before anything is served."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._hangup.set)
        signal.pthread_sigmask(
            signal.SIG_UNBLOCK, {signal.SIGHUP}
        )  # blocked since __main__; no child may inherit that
        self._apply_plan()
        await self.state.render_first()
        reload = self.reload if self._options.enable_lifecycle else None
        serving = web.serving(
            self.state,
            sockets=sockets,
            web_config_path=self._options.web_config_file,
            reload=reload,
        )
        async with serving as served, asyncio.TaskGroup() as group:
            self._group, self._served = group, served
            self._start()
            tasks = [
                group.create_task(self.state.keep_rendering(), name="render"),
                group.create_task(self._keep_looking(), name="look at pgbackrest.conf"),
                group.create_task(self._keep_reloading(), name="reload"),
                group.create_task(self._watchdog.keep(self._collectors, self.state), name="watchdog"),
            ]
            for sock in sockets:
                log.info("listening", extra={"address": listen.url(sock)})
            self._manager.ready()
            await self._stop.wait()
            log.info("stopping")
            self._manager.stopping()
            for task in [*tasks, *(task for _, task in self._running.values())]:
                task.cancel()

    async def reload(self) -> str | None:
        """Read settings and web configuration anew. Return None, or one line when the old ones stay."""
        self._manager.reloading()
        try:
            refused = [self._reload_settings(), await self._served.refresh()]
        finally:
            self._manager.ready()
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
        self._around = look_around(self.state.latest.settings, self._around)
        self.state.change(expected=self._around.expected)
        self._apply_plan()
        self._start()

    def _apply_plan(self) -> None:
        """Make the snapshot know exactly the collectors that the settings ask for."""
        if self._around.expected.error:
            log.warning("pgbackrest.conf cannot be read", extra={"error": self._around.expected.error})
        self._plan = self._planned()
        for off in self._plan.off:
            log.info(
                "a collector is off", extra={"collector": off.collector, "stanza": off.stanza, "why": off.why}
            )
        for name, known in self.state.latest.readings().items():
            sources = [stanza for collector, stanza in self._plan.collectors if collector == name]
            self.state.change(**{name: {stanza: known.get(stanza, Reading()) for stanza in sources}})
        self.state.change(off=self._plan.off)

    def _planned(self) -> Plan:
        return plan(self.state.latest.settings, self._around, lambda: self.state.latest)

    def _start(self) -> None:
        """Start and end collectors until those of the plan run; one that is as it was goes on undisturbed."""
        for key, (collector, task) in list(self._running.items()):
            if self._plan.collectors.get(key) != collector:
                task.cancel()
                del self._running[key]
        for key, collector in self._plan.collectors.items():
            if key not in self._running:
                name, stanza = key
                last = self.state.latest.readings()[name][stanza]
                self._watchdog.beat(*key)
                task = self._group.create_task(keep(collector, self._put, last=last), name=" ".join(key))
                self._running[key] = collector, task

    def _put(self, collector: str, stanza: str, reading: Reading[Any]) -> None:
        self._watchdog.beat(collector, stanza)
        self.state.put(collector, stanza, reading)

    def _collectors(self) -> dict[tuple[str, str], Collector]:
        return {key: collector for key, (collector, _) in self._running.items()}

    async def _keep_looking(self) -> None:
        """Notice a change of pgbackrest.conf, and sources that have come or gone."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            if self._around.changed(self.state.latest.settings):
                log.info("pgbackrest.conf has changed")
                self._replan()
            elif self._planned() != self._plan:
                self._apply_plan()
                self._start()

    async def _keep_reloading(self) -> None:
        while True:
            await self._hangup.wait()
            self._hangup.clear()
            await self.reload()


def run(options: Options, settings: Settings, sockets: Sequence[socket.socket], manager: Manager) -> None:
    """Run until SIGTERM or SIGINT. Raises WebConfigError before anything is served."""

    async def main() -> None:
        await App(options, settings, manager).serve(sockets)

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
