"""What Patroni tells of one stanza's cluster: members, leader, timeline."""

import contextlib
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from exporter.model.patroni import Cluster, Topology
from exporter.patroni.access import Access
from exporter.patroni.answers import AnswerError, Node, View, read_cluster, read_history, read_node
from exporter.patroni.client import Client, PatroniError, SilentError, session
from exporter.settings import Patroni as PatroniSettings

log = logging.getLogger(__name__)

# An address that failed is tried after the others for so long, in seconds: it must not cost each reading its share.
_LAST_FOR = 300.0
# The history is asked for when the timeline changes, and now and then: it is written some seconds after that.
_HISTORY_EVERY = 3600.0
_HISTORY_AGAIN = 30.0
# /patroni makes Patroni ask its PostgreSQL, and stands in for a word of PostgreSQL's own: now and then will do.
_POSITION_EVERY = 60.0
# What /cluster gets of a member's time; the rest is for the member's word of itself.
_CLUSTER_SHARE = 0.6


@dataclass(slots=True, kw_only=True)
class PatroniCollector:
    """Asks the members at *urls* in turn until one tells of the cluster; the leader first, where it is among them.

    *positions*: whether the leader's position is wanted, for which most versions have to be asked once more.
    """

    stanza: str
    urls: tuple[str, ...]
    settings: PatroniSettings
    positions: bool = True
    name: str = field(default="patroni", init=False)
    _access: Access = field(init=False, repr=False, compare=False)
    _first: str | None = field(default=None, init=False, compare=False)
    _failed: dict[str, float] = field(default_factory=dict, init=False, compare=False)
    _began: tuple[int, float | None] = field(default=(0, None), init=False, compare=False)
    _history_due: float = field(default=0.0, init=False, compare=False)
    _wrote: tuple[int, int | None] = field(default=(0, None), init=False, compare=False)
    _position_due: float = field(default=0.0, init=False, compare=False)
    _last: Cluster | None = field(default=None, init=False, compare=False)

    def __post_init__(self) -> None:
        https = any(url.startswith("https:") for url in self.urls)
        self._access = Access(self.settings, https=https)

    async def read(self) -> Cluster:
        """Ask once; the same facts give the very same object. Raises PatroniError or AccessError, of one line."""
        end = time.monotonic() + self.settings.within
        async with session(await self._access.keys()) as client:
            nodes: list[Node] = []
            troubles: dict[str, str] = {}
            for index, url in enumerate(order := self._order()):
                share = (end - time.monotonic()) / (len(order) - index)
                try:
                    answer = await _ask(client, url, share)
                except (PatroniError, AnswerError) as error:
                    self._failed[url], troubles[url] = time.monotonic(), str(error)
                    continue
                if isinstance(answer, Node):
                    nodes.append(answer)
                    continue
                self._prefer(url, answer)
                position = await self._position(client, url, answer, end)
                changed = await self._changed(client, url, answer.timeline, end)
                return self._remember(Cluster(topology=_topology(answer, changed), leader_position=position))
        if not nodes:
            raise PatroniError(_told(self.urls, troubles))
        return self._remember(_without_store(nodes, whole=not troubles))

    def _order(self) -> list[str]:
        now = time.monotonic()
        self._failed = {url: at for url, at in self._failed.items() if now - at < _LAST_FOR}
        return sorted(self.urls, key=lambda url: (url in self._failed, url != self._first))

    def _prefer(self, url: str, view: View) -> None:
        """Remember who is asked first the next time: the leader knows its position best, else who has answered."""
        self._failed.pop(url, None)
        leader = _place(view.leader_api) if view.leader_api else None
        self._first = next((one for one in self.urls if _place(one) == leader), url)

    async def _position(self, client: Client, url: str, view: View, end: float) -> int | None:
        """Return how far the leader wrote; on another timeline than its own a member's position says nothing of it."""
        if view.position is not None or view.timeline is None or not self.positions:
            return view.position
        now = time.monotonic()
        if self._wrote[0] != view.timeline or self._wrote[1] is None or now >= self._position_due:
            node = await _ask_itself(client, url, end)
            same = node is not None and node.timeline == view.timeline
            self._wrote = view.timeline, node.position if node is not None and same else None
            self._position_due = now + _POSITION_EVERY
        return self._wrote[1]

    async def _changed(self, client: Client, url: str, timeline: int | None, end: float) -> float | None:
        """Return when *timeline* began; while that cannot be learned, what is known of it."""
        if timeline is None or timeline == 1:
            return None
        now = time.monotonic()
        if self._began[0] != timeline:
            self._began, self._history_due = (timeline, None), now
        if now >= self._history_due:
            self._history_due = now + _HISTORY_AGAIN
            try:
                began = read_history(await client.get(url, "/history", end - now), timeline)
            except (PatroniError, AnswerError) as error:
                log.debug("history not read", extra={"stanza": self.stanza, "error": str(error)})
            else:
                self._began = timeline, began
                self._history_due = now + (_HISTORY_AGAIN if began is None else _HISTORY_EVERY)
        return self._began[1]

    def _remember(self, cluster: Cluster) -> Cluster:
        last = self._last
        if last is not None and cluster.topology == last.topology:
            cluster = Cluster(topology=last.topology, leader_position=cluster.leader_position)
        if last is None or cluster != last:
            self._last = last = cluster
        return last


async def _ask(client: Client, url: str, within: float) -> View | Node:
    """Ask one member for the cluster; where its store is out of reach, for itself.

    Patroni then hangs up on the first question, or is silent for up to retry_timeout, and answers the second.
    """
    end = time.monotonic() + within
    try:
        return read_cluster(await client.get(url, "/cluster", within * _CLUSTER_SHARE))
    except SilentError:
        node = await _ask_itself(client, url, end)
        if node is None or not node.cut_off:
            raise
        return node


async def _ask_itself(client: Client, url: str, end: float) -> Node | None:
    """Ask a member for itself; None when that fails, since all that matters more is known by then."""
    try:
        return read_node(await client.get(url, "/patroni", end - time.monotonic()))
    except (PatroniError, AnswerError) as error:
        log.debug("a member does not tell of itself", extra={"url": url, "error": str(error)})
        return None


def _topology(view: View, changed: float | None) -> Topology:
    return Topology(
        dcs_reachable=True,
        has_leader=view.leader is not None,
        leader=view.leader,
        members=view.members,
        paused=view.paused,
        timeline=view.timeline,
        timeline_changed=changed,
    )


def _without_store(nodes: Iterable[Node], *, whole: bool) -> Cluster:
    """Build what members know by themselves; *whole*: all that were named have answered."""
    leader = next((node for node in nodes if node.leads), None)
    return Cluster(
        topology=Topology(
            dcs_reachable=False,
            has_leader=True if leader else (False if whole else None),
            leader=leader.name if leader else None,
            timeline=leader.timeline if leader else None,
            paused=True if any(node.paused for node in nodes) else None,
        ),
        leader_position=leader.position if leader else None,
    )


def _place(url: str) -> tuple[str | None, int | None]:
    """Return host and port; a member may write its own address in another way."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        return parts.hostname, parts.port
    return None, None


def _told(urls: Iterable[str], troubles: dict[str, str]) -> str:
    """Tell of every address, in the order of the settings, so that the same trouble is the same line."""
    told = "; ".join(f"{url} {troubles[url]}" for url in urls if url in troubles)
    return f"Patroni cannot be asked: {told}"
