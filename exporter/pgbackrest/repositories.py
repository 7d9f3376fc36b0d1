"""Where a stanza's repositories are, and how long they keep WAL, as far as pgbackrest.conf here tells."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.model.repository import ArchiveRetention, Retention
from exporter.pgbackrest.conf import PgBackRestConf

_DEFAULT_PATH = "/var/lib/pgbackrest"
_ON_A_DISK = ("posix", "cifs")
_TYPES: Mapping[str, ArchiveRetention] = {"full": "full", "diff": "diff", "incr": "incr"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One repository; *path* is where it is on this machine's disk, None for one that is elsewhere."""

    repo: int
    path: str | None = None


def places(conf: PgBackRestConf, stanza: str) -> tuple[Place, ...]:
    """Return the repositories that the configuration declares for a stanza."""
    types = conf.repository_types(stanza)
    found = []
    for repo in sorted(set(types) | conf.repositories(stanza)):
        here = types.get(repo) in _ON_A_DISK and conf.option(stanza, f"repo{repo}-host", "info") is None
        path = conf.option(stanza, f"repo{repo}-path", "info") or _DEFAULT_PATH
        found.append(Place(repo=repo, path=path if here else None))
    return tuple(found)


def retention(conf: PgBackRestConf, stanza: str, place: Place) -> Retention | None:
    """Return how long WAL is kept, None where that is stated elsewhere: on the host that takes the backups.

    Unset, repo-retention-archive follows repo-retention-diff for the type diff; for full it never takes WAL that a
    backup follows up (src/config/load.c, cfgLoadUpdateOption).
    """

    def told(name: str) -> str | None:
        return conf.option(stanza, f"repo{place.repo}-retention-{name}", "expire")

    if place.path is None and not any(map(told, ("full", "diff", "archive", "archive-type"))):
        return None
    kind = _TYPES.get(told("archive-type") or "full", "full")
    count = told("archive") or (told("diff") if kind == "diff" else None)
    return Retention(archive=int(count) if count and count.isdecimal() else None, type=kind)
