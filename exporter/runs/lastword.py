"""Who has the last word of a kind of run: pgBackRest's list of backups may know better than logs and exit codes.

A failure is no longer the last word when the repository holds a newer good backup of that or a stronger type, by
whatever host or hand it was taken. And a command that took a good backup and then failed has failed at the expire
that follows each backup (src/main.c): that is a run of its own. A failing full is not hidden by a good incr.
"""

from collections.abc import Iterator
from dataclasses import replace

from exporter.model.info import BACKUP_TYPES, Backup, Backups
from exporter.model.runs import History, Kind, Run, Runs
from exporter.snapshot import Snapshot

# pgBackRest tells whole seconds, of PostgreSQL's host.
_SKEW = 1.0
_MOST_STANZAS = 1024

_Facts = tuple[tuple[History, ...], Backups]
# The last answer for each stanza and no older one: each would keep a whole list of backups alive.
_last_said: dict[str, tuple[_Facts | None, tuple[History, ...]]] = {}


def histories(snapshot: Snapshot) -> Iterator[History]:
    """Yield the history of each kind of run, of the stanzas that are watched; the same facts, the same objects."""
    if snapshot.info and all(reading.attempted is None for reading in snapshot.info.values()):
        return  # for a moment after a start: what was made good since would look like a failure
    lists = {stanza.name: stanza.backups for stanza in snapshot.stanzas}
    for runs in values(snapshot):
        by_stanza: dict[str, list[History]] = {}
        for history in runs.histories:
            by_stanza.setdefault(history.kind.stanza, []).append(history)
        for name, found in by_stanza.items():
            if is_watched(snapshot, name):
                yield from of_stanza(tuple(found), lists.get(name))


def values(snapshot: Snapshot) -> Iterator[Runs]:
    """Yield what is known of runs."""
    return (reading.value for reading in snapshot.runs.values() if reading.value is not None)


def is_watched(snapshot: Snapshot, stanza: str) -> bool:
    """Tell whether a stanza is expected or listed: logs outlive the stanzas that they are of."""
    expected = snapshot.expected.stanzas
    if not expected or not stanza or stanza in expected:
        return True
    return any(one.name == stanza and one.status is not None for one in snapshot.stanzas)


def of_stanza(found: tuple[History, ...], backups: Backups | None) -> tuple[History, ...]:
    """Set right the histories of one stanza by its list of backups; the same facts give the same objects."""
    if backups is None:
        return found
    stanza = found[0].kind.stanza
    facts, said = _last_said.pop(stanza, (None, ()))
    if facts != (found, backups):
        facts, said = (found, backups), _set_right(found, backups)
    _last_said[stanza] = facts, said
    while len(_last_said) > _MOST_STANZAS:
        del _last_said[next(iter(_last_said))]
    return said


def _set_right(found: tuple[History, ...], backups: Backups) -> tuple[History, ...]:
    judged = [_judged(history, backups) for history in found]
    expires = [run for _, run in judged if run is not None]
    result = [history for history, _ in judged]
    if expires and not any(history.kind.command == "expire" for history in found):
        result.append(_expire(max(expires, key=lambda run: run.moment or 0.0), result))
    return tuple(result)


def _judged(history: History, backups: Backups) -> tuple[History, Run | None]:
    """Return the history as the list of backups has it, and the run of an expire that was taken for a backup's."""
    kind = history.kind
    if kind.command != "backup" or kind.backup_type not in BACKUP_TYPES or not kind.repo.isdecimal():
        return history, None
    rank = BACKUP_TYPES.index(kind.backup_type)
    strong = [
        one
        for one in backups.of(int(kind.repo)).backups
        if BACKUP_TYPES.index(one.type) <= rank and not one.error
    ]
    newest = max((one.stop for one in strong), default=0)
    if newest > (history.last_success or 0):
        history = replace(history, last_success=float(newest))
    failed = history.last_failed
    if failed is None or failed.result != "failure" or failed.logged:
        return history, None
    if not any(_is_within(one, failed) for one in strong):
        return history, None
    good = replace(failed, result="success", exit_code=0, words=None)
    history = replace(
        history,
        last=good if history.last == failed else history.last,
        last_failed=None,
        last_success=max(history.last_success or 0.0, failed.end or 0.0),
    )
    return history, failed


def _is_within(backup: Backup, run: Run) -> bool:
    return (
        run.start is not None
        and run.end is not None
        and run.start - _SKEW <= backup.start
        and backup.stop <= run.end + _SKEW
    )


def _expire(failed: Run, others: list[History]) -> History:
    """Make the history of expire from the run that failed at it; each good backup was followed by a good one."""
    kind = Kind(stanza=failed.kind.stanza, command="expire")
    run = replace(failed, kind=kind)
    ends = [
        one.last.end
        for one in others
        if one.kind.command == "backup" and one.last and one.last.result == "success" and one.last.end
    ]
    good = max((end for end in ends if end != failed.end), default=None)
    return History(kind=kind, last_start=run.start, last=run, last_failed=run, last_success=good)
