"""The account under which the lab's servers run: never root."""

import os
import pwd
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who runs PostgreSQL and pgBackRest; `prefix` stands in front of each of their commands."""

    name: str
    uid: int
    gid: int
    prefix: tuple[str, ...] = ()


def unprivileged() -> Account:
    """Ourselves, or `postgres` (else `nobody`) when we are root.

    PostgreSQL refuses to run as root, and so does pgBackRest since 2.59.0 (error 31).
    """
    if os.geteuid() != 0:
        return _account(pwd.getpwuid(os.geteuid()))
    entry = _entry("postgres") or pwd.getpwnam("nobody")
    prefix = ("setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups")
    return _account(entry, prefix)


def _account(entry: pwd.struct_passwd, prefix: tuple[str, ...] = ()) -> Account:
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, prefix=prefix)


def _entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None
