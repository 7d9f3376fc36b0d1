"""PagerDuty, Slack and a heartbeat service on loopback: they speak the protocols, keep what they get, and can fail.

PagerDuty: Events API v2, POST /v2/enqueue. Slack: incoming webhooks, POST /services/…, answered by `ok` or a refusal.
"""

import asyncio
import json
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

from aiohttp import web

Receiver = Literal["pagerduty", "slack", "heartbeat"]
ROUTING_KEY = "0123456789abcdef0123456789abcdef"
TOKEN = "heartbeat-token"
SLACK_PATH = "/services/T00000000/B00000000/receiverOfTheTests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One request: when, to whom, what it said and what it was answered."""

    at: float
    receiver: Receiver
    body: Mapping[str, Any]
    answered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a person is told by one delivery."""

    at: float
    receiver: Receiver
    alert: str
    """Its name without the prefix, and the severity as it is said there: WalMissing/critical."""
    resolved: bool


def notices(deliveries: Iterable[Delivery]) -> list[Notice]:
    """What PagerDuty and Slack took, in order."""
    keys: dict[str, str] = {}
    told = {"pagerduty": lambda body: _called(body, keys), "slack": _written}
    found = []
    for delivery in deliveries:
        if delivery.answered in {200, 202} and delivery.receiver in told:
            alert, resolved = told[delivery.receiver](delivery.body)
            found.append(Notice(at=delivery.at, receiver=delivery.receiver, alert=alert, resolved=resolved))
    return found


def _called(event: Mapping[str, Any], keys: dict[str, str]) -> tuple[str, bool]:
    """A resolution need not repeat what it is about: its key tells."""
    key, payload = event["dedup_key"], event.get("payload") or {}
    if event["event_action"] == "trigger":
        keys[key] = f"{payload['class'].removeprefix('Pgbackrest')}/{payload['severity']}"
    return keys[key], event["event_action"] == "resolve"


def _written(message: Mapping[str, Any]) -> tuple[str, bool]:
    """The runbook has the alert's name; a resolution does not say which severity it had, and Slack gets warnings."""
    attachment = message["attachments"][0]
    word = attachment["title"].partition(":")[0]
    name = attachment["title_link"].rpartition("/")[2].removesuffix(".md").removeprefix("Pgbackrest")
    return f"{name}/{'warning' if word == 'RESOLVED' else word.lower()}", word == "RESOLVED"


def mistakes_of_event(event: Mapping[str, Any]) -> list[str]:
    """What PagerDuty would refuse an event for."""
    found = []
    if event.get("routing_key") != ROUTING_KEY:
        found.append("Invalid routing key")
    action = event.get("event_action")
    if action not in {"trigger", "acknowledge", "resolve"}:
        found.append("event_action must be one of trigger, acknowledge or resolve")
    if action != "trigger" and not event.get("dedup_key"):
        found.append("dedup_key is missing")
    payload = event.get("payload") or {}
    if action == "trigger":
        found += [
            f"payload.{name} is missing or blank" for name in ("summary", "source") if not payload.get(name)
        ]
        if payload.get("severity") not in {"critical", "error", "warning", "info"}:
            found.append("payload.severity must be one of critical, error, warning or info")
    return found


def _has_words(message: Mapping[str, Any]) -> bool:
    attachments = message.get("attachments") or [{}]
    return bool(message.get("text") or attachments[0].get("text"))


class Receivers:
    """`with Receivers() as receivers:` – listening at `address`, in a thread of its own."""

    def __init__(self) -> None:
        self.address = ""
        self._deliveries: list[Delivery] = []
        self._failing: dict[str, int] = {}
        self._page: str | None = ""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10), "the receivers do not listen"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def fails(self, receiver: Receiver, status: int | None) -> None:
        """From now on it answers so; None: it works."""
        if status is None:
            self._failing.pop(receiver, None)
        else:
            self._failing[receiver] = status

    def serves(self, page: str | None) -> None:
        """What /metrics answers from now on; None: an error, as of an exporter that is not there."""
        self._page = page

    def got(self, receiver: Receiver, answered: int | None = None) -> list[Delivery]:
        """All deliveries so far, those with this answer; by default the ones that it took."""
        took = {200, 202} if answered is None else {answered}
        return [each for each in self._deliveries if each.receiver == receiver and each.answered in took]

    def everything(self) -> tuple[Delivery, ...]:
        """All deliveries to anybody so far, in order."""
        return tuple(self._deliveries)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        application = web.Application()
        application.router.add_post("/v2/enqueue", self._pagerduty)
        application.router.add_post(SLACK_PATH, self._slack)
        application.router.add_post("/heartbeat", self._heartbeat)
        application.router.add_get("/metrics", self._metrics)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.address = f"127.0.0.1:{runner.addresses[0][1]}"
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    def _keep(self, receiver: Receiver, body: Mapping[str, Any], status: int) -> int:
        status = self._failing.get(receiver, status)
        self._deliveries.append(Delivery(at=time.time(), receiver=receiver, body=body, answered=status))
        return status

    async def _pagerduty(self, request: web.Request) -> web.Response:
        event = await request.json()
        mistakes = mistakes_of_event(event)
        status = self._keep("pagerduty", event, 400 if mistakes else 202)
        answers: dict[int, dict[str, Any]] = {
            202: {"status": "success", "message": "Event processed", "dedup_key": event.get("dedup_key")},
            400: {"status": "invalid event", "message": "Event object is invalid", "errors": mistakes},
            429: {
                "status": "throttle exceeded",
                "message": "Requests for this service are arriving too quickly.",
            },
        }
        return web.json_response(answers.get(status, {"status": "error"}), status=status)

    async def _slack(self, request: web.Request) -> web.Response:
        message = json.loads(await request.text())
        status = self._keep("slack", message, 200 if _has_words(message) else 400)
        words = {200: "ok", 400: "no_text", 429: "rate_limited"}
        return web.Response(text=words.get(status, "server_error"), status=status)

    async def _heartbeat(self, request: web.Request) -> web.Response:
        known = request.headers.get("Authorization") == f"Bearer {TOKEN}"
        return web.Response(status=self._keep("heartbeat", await request.json(), 200 if known else 401))

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(status=503) if self._page is None else web.Response(text=self._page)
