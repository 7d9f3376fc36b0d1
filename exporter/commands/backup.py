"""`pgbackrest-exporter backup`: a scheduled backup, taken on the one node of a Patroni cluster whose turn it is."""

import argparse
import asyncio
import os
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from exporter.commands import run
from exporter.human import line
from exporter.patroni.access import Access, AccessError
from exporter.patroni.answers import AnswerError, View, read_cluster
from exporter.patroni.client import Client, PatroniError, session
from exporter.patroni.place import Place, as_it_is, choose, known_as
from exporter.pgbackrest import conf as pgbackrest_conf
from exporter.pgbackrest.client import Client as PgBackRest
from exporter.pgbackrest.conf import ConfError
from exporter.pgbackrest.here import local_server
from exporter.settings import Settings, Stanza
from exporter.settings.file import SettingsError, load

_DESCRIPTION = """\
For a timer that fires on every database node of a Patroni cluster at the same time: each node asks Patroni who is in
the cluster, and all of them find the same one place for the backup, a replica that streams where there is one. There
pgBackRest is run and recorded as by `pgbackrest-exporter run`; on the others the command ends at once.

Where pgbackrest.conf names a host for every PostgreSQL of the stanza this is a repository host: it always takes the
backup, and Patroni only tells whether there is a replica to take it from.
"""

_EPILOG = """\
examples:
  On each database node, and just so on a repository host:
      pgbackrest-exporter backup --config.file=/etc/pgbackrest-exporter.yml --stanza=main --type=diff
  A node that Patroni calls otherwise than its host name:
      pgbackrest-exporter backup --config.file=/etc/pgbackrest-exporter.yml --stanza=main --type=incr --member=db1-a

A backup that fails is tried once more where it was when Patroni has another leader within --patience seconds.
The settings say where Patroni answers: stanzas.main.patroni.
exit codes: those of pgBackRest, 0 where another node takes the backup, 2 bad flags or settings, 3 not started since
nobody could say whose turn it is: Patroni is out of reach, or this host is not in the cluster.
"""

_WRONG, _NOT_STARTED = 2, 3
# pgBackRest's own: another run has the lock, ended by a signal (src/build/error/error.yaml).
_NO_FAILOVER = (0, 50, 63)
# How long a failover may last before its failure is told, in seconds: Patroni's ttl and as much again.
_PATIENCE = 60.0
_BETWEEN_LOOKS = 2.0


def main(argv: Sequence[str]) -> int:
    """Find out whose turn it is, and take the backup if it is ours; return the exit code."""
    args = _parser().parse_args(argv)
    try:
        settings = load(args.config_file)
        on_node = _on_node(args, settings)
    except SettingsError as error:
        return _end(_WRONG, *error.problems)
    except ConfError as error:
        return _end(_WRONG, str(error))
    if on_node is None:
        return _end(_WRONG, "pgbackrest.command leads to another host: run this over there, or add --here")
    urls = settings.stanzas.get(args.stanza, Stanza()).patroni
    if on_node and not urls:
        where = f"stanzas.{args.stanza}.patroni"
        return _end(_WRONG, f"{where}: name Patroni's addresses there, or add --here where there is none")
    if on_node:
        return _node(args, settings, urls)
    return _repository_host(args, settings, urls)


def _on_node(args: argparse.Namespace, settings: Settings) -> bool | None:
    """Return whether this is one of the places to choose from; None: another host would have to say."""
    if args.here or args.member:
        return not args.here
    if not settings.is_local:
        return None
    pgbackrest = settings.pgbackrest
    conf = pgbackrest_conf.read(pgbackrest.config, pgbackrest.config_include_path, os.environ)
    return local_server(conf, args.stanza) is not None


def _node(args: argparse.Namespace, settings: Settings, urls: Sequence[str]) -> int:
    """Take it if it is our turn, by two answers in a row: the second is as fresh as can be."""
    try:
        view = asyncio.run(_look(settings, urls, args.patience))
        turn = _turn(args, view)
        if isinstance(turn, Place):
            view = asyncio.run(_look(settings, urls, 0.0))
            turn = _turn(args, view)
    except (PatroniError, AccessError) as error:
        # Not at random: where all nodes are cut off all would begin.
        words = f"not started, for another node may take it: {error}"
        return run.refused(_words(args, settings, None), words, _end(_NOT_STARTED, words))
    if isinstance(turn, int):
        return turn
    _say(f"taken here, on {turn.member}: {turn.why}")
    code = run.main(_words(args, settings, _standby(turn)))
    now = _after_failover(args, settings, urls, view) if code not in _NO_FAILOVER else None
    place = as_it_is(turn.member, now.candidates) if now else None
    if place is None:
        return code
    _say(f"once more: {place.why}")
    return run.main(_words(args, settings, _standby(place)))


def _after_failover(
    args: argparse.Namespace, settings: Settings, urls: Sequence[str], before: View
) -> View | None:
    """Return the cluster with another leader than when the failed run began; None: it has none.

    The turn does not go to another node then: those have ended long ago.
    """
    try:
        view = asyncio.run(_look(settings, urls, args.patience, before))
    except (PatroniError, AccessError):
        return None
    return view if before.leader is not None and _led(view, before) else None


def _led(view: View, before: View | None) -> bool:
    """Whether there is a leader, and where there was one *before* another, on a timeline of its own.

    Patroni calls a member leader some moments before PostgreSQL is a primary: only then has the timeline changed.
    """
    if before is None or view.leader is None:
        return view.leader is not None
    return view.leader != before.leader and view.timeline not in (None, before.timeline)


def _turn(args: argparse.Namespace, view: View) -> Place | int:
    """Return the place if it is this node, else the exit code."""
    names = [args.member] if args.member else _host_names()
    place, name = choose(view.candidates), known_as(names, view.candidates)
    if place is None or (name is None and not args.member):
        members = ", ".join(sorted(one.name for one in view.candidates)) or "nobody"
        told = f"this host ({names[0]}) is not in the cluster ({members})"
        return _end(_NOT_STARTED, f"not started: {told}: if Patroni calls it otherwise add --member")
    if place.member != name:
        return _end(0, f"nothing to do here: {place.member} takes it ({place.why})")
    return place


def _repository_host(args: argparse.Namespace, settings: Settings, urls: Sequence[str]) -> int:
    """Take it whatever Patroni says: pgBackRest finds the primary and a replica by itself."""
    view = None
    if urls:
        try:
            view = asyncio.run(_look(settings, urls, args.patience))
        except (PatroniError, AccessError) as error:
            _say(f"taken as pgbackrest.conf says: {error}")
    code = run.main(_words(args, settings, _unless_replica(view)))
    now = _after_failover(args, settings, urls, view) if view and code not in _NO_FAILOVER else None
    if now is None:
        return code
    _say(f"once more: {now.leader} leads now")
    return run.main(_words(args, settings, _unless_replica(now)))


def _unless_replica(view: View | None) -> str | None:
    """Give the option for a cluster without a replica, else leave it to pgbackrest.conf."""
    place = choose(view.candidates) if view else None
    if place is None:
        return None
    _say(f"taken here; Patroni shows {place.member}: {place.why}")
    return "--no-backup-standby" if place.standby is False else None


async def _look(settings: Settings, urls: Sequence[str], patience: float, before: View | None = None) -> View:
    """Return the cluster once it has a leader, another than *before*, else what it is after so many seconds.

    Raises PatroniError and AccessError.
    """
    end = time.monotonic() + patience
    access = Access(settings.patroni, https=any(url.startswith("https:") for url in urls))
    while True:
        try:
            async with session(await access.keys()) as client:
                view = await _ask(client, urls, settings.patroni.within)
            if _led(view, before) or time.monotonic() >= end:
                return view
        except PatroniError:
            if time.monotonic() >= end:
                raise
        await asyncio.sleep(_BETWEEN_LOOKS)


async def _ask(client: Client, urls: Sequence[str], within: float) -> View:
    """Return the first answer; what a member knows of itself alone is none, since others know another cluster."""
    end = time.monotonic() + within
    troubles = []
    for index, url in enumerate(urls):
        share = (end - time.monotonic()) / (len(urls) - index)
        try:
            return read_cluster(await client.get(url, "/cluster", share))
        except (PatroniError, AnswerError) as error:
            troubles.append(f"{url} {error}")
    raise PatroniError(f"Patroni cannot be asked: {'; '.join(troubles)}")


def _standby(place: Place) -> str | None:
    """Give the option that makes pgBackRest use the place; releases before 2.54 know on and off alone."""
    if place.standby is None:
        return None
    return "--backup-standby" if place.standby else "--no-backup-standby"


def _words(args: argparse.Namespace, settings: Settings, standby: str | None) -> list[str]:
    """Give the command line of `run`."""
    own = [f"--stanza={args.stanza}"]
    if args.config_file is not None:
        own.append(f"--config.file={args.config_file}")
    pgbackrest = PgBackRest(**{name: getattr(settings.pgbackrest, name) for name in _CALLED})
    return [
        *own,
        "--",
        *pgbackrest.argv("verify" if args.verify else "backup", list(_options(args, standby))),
    ]


_CALLED = ("command", "config", "config_include_path")


def _options(args: argparse.Namespace, standby: str | None) -> Iterator[str]:
    yield f"--stanza={args.stanza}"
    if args.repo is not None:
        yield f"--repo={args.repo}"
    if not args.verify:
        yield f"--type={args.type}"
        if standby is not None:
            yield standby


def _host_names() -> list[str]:
    """Return what this host may be called: members are mostly named after their hosts."""
    name = socket.gethostname()
    return [name, name.partition(".")[0]]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pgbackrest-exporter backup",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--stanza", required=True, metavar="NAME")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--type", choices=("full", "diff", "incr"))
    what.add_argument(
        "--verify", action="store_true", help="no backup, but pgbackrest verify, at the same place"
    )
    add("--repo", type=int, metavar="N", help="default: as pgBackRest chooses, the one of the lowest number")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--member", metavar="NAME", help="what Patroni calls this node; default: its host name"
    )
    where.add_argument("--here", action="store_true", help="always here, as on a repository host")
    add("--config.file", type=Path, metavar="FILE", dest="config_file", help="the exporter's settings, YAML")
    add(
        "--patience",
        type=float,
        default=_PATIENCE,
        metavar="SECONDS",
        help="how long to wait for a leader, or for Patroni to answer; default: 60",
    )
    return parser


def _end(code: int, *lines: str) -> int:
    for one in lines:
        _say(one)
    return code


def _say(words: str) -> None:
    print(f"pgbackrest-exporter backup: {line(words)}", file=sys.stderr, flush=True)
