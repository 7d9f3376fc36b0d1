"""Whether recovery came as far as it should, on the right timeline, of the right cluster."""

from exporter import wal
from exporter.human import moment
from exporter.restore.database import DatabaseError, one_line, restored
from exporter.restore.scene import Scene


async def check(scene: Scene) -> None:
    """Check what recovery did."""
    findings, recovered = scene.findings, scene.recovered
    findings.ok("instance_started")
    findings.ok("consistency")
    findings.ok("recovery_ended", value=f"timeline {recovered.timeline}")
    _recovered_to(scene)
    try:
        async with restored(scene.socket, scene.role, within=60.0) as session:
            mode = await session.one("show archive_mode")
    except DatabaseError as error:
        raise findings.give_up("instance_started", one_line(error)) from None
    if mode != "off":
        raise findings.give_up("archiving_off", f"archive_mode is {mode}: the server is stopped at once")
    findings.ok("archiving_off", value=mode)
    _system_id(scene)
    _timeline(scene)


def _recovered_to(scene: Scene) -> None:
    """Compare with the canary, the target, or the newest segment there was when the test began.

    A hole in the archive ends recovery early and without any error: only this shows it.
    """
    findings, recovered, choice = scene.findings, scene.recovered, scene.choice
    reached = wal.lsn(recovered.end) + (
        f", last transaction {moment(recovered.last_transaction)}" if recovered.last_transaction else ""
    )
    canary = scene.production.canary
    if canary is not None and choice.target == "latest" and recovered.end < canary:
        findings.failed("recovered_to", f"the canary at {wal.lsn(canary)} is missing", reached)
        return
    if choice.target == "time" and recovered.stopping is not None:
        findings.ok("recovered_to", recovered.stopping, reached)
        return
    if choice.target == "immediate":
        findings.ok("recovered_to", "to where the backup is consistent, as asked", reached)
        return
    newest, size = wal.parse(choice.archive.newest or ""), scene.control.segment_size
    if newest is not None and recovered.end <= newest.number(size) * size:
        findings.failed(
            "recovered_to",
            f"replay ended in {_segment(scene)} although the archive reaches {choice.archive.newest}:"
            " WAL between them is missing or damaged",
            reached,
        )
        return
    findings.ok("recovered_to", f"the archive's newest segment was {choice.archive.newest}", reached)


def _segment(scene: Scene) -> str:
    size = scene.control.segment_size
    number, per_id = scene.recovered.end // size, (1 << 32) // size
    return f"segment …{number // per_id:08X}{number % per_id:08X} at {wal.lsn(scene.recovered.end)}"


def _system_id(scene: Scene) -> None:
    found, expected = scene.control.system_id, scene.choice.database.system_id
    theirs = scene.production.system_id
    if found != expected:
        scene.findings.failed("system_id", f"the stanza's is {expected}", found)
    elif theirs is not None and theirs != found:
        scene.findings.failed(
            "system_id", f"production's is {theirs}: the stanza backs up another cluster", found
        )
    else:
        scene.findings.ok("system_id", value=found)


def _timeline(scene: Scene) -> None:
    """Compare the timeline that was followed with production's: a stray one in the archive leads recovery astray."""
    findings, current = scene.findings, scene.production.timeline
    if current is None:
        findings.skipped("timeline", scene.production.why)
        return
    followed = followed_timeline(scene)
    if followed is None:
        findings.skipped("timeline", "the restored server has no history file")
    elif followed > current:
        findings.failed(
            "timeline",
            f"recovery followed timeline {followed} of the archive, production is on {current}:"
            " another server has archived into this stanza",
            followed,
        )
    elif followed < current and scene.choice.target == "latest":
        findings.failed(
            "timeline", f"the archive leads to timeline {followed}, production is on {current}", followed
        )
    else:
        findings.ok("timeline", f"production is on {current}", followed)


def followed_timeline(scene: Scene) -> int | None:
    """Return the timeline from which the restored server branched off (its history file's last line)."""
    file = scene.place.data / "pg_wal" / f"{scene.recovered.timeline:08X}.history"
    try:
        lines = [line for line in file.read_text(errors="replace").splitlines() if line[:1].isdigit()]
    except OSError:
        return None
    return int(lines[-1].split()[0]) if lines else None
