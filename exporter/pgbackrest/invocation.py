"""What a pgBackRest command line asks for: which command, of which stanza, type and repository.

Option names and defaults are those of src/build/config/config.yaml. Both writings `--type=full` and
`--type full` are pgBackRest's; what the command line leaves open, the environment may tell.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

COMMANDS = frozenset(
    {
        "annotate", "archive-get", "archive-push", "backup", "check", "expire", "info", "manifest", "repo-get",
        "repo-ls", "restore", "server", "server-ping", "stanza-create", "stanza-delete", "stanza-upgrade", "start",
        "stop", "verify", "version",
    }
)  # fmt: skip

_BACKUP_TYPES = ("full", "diff", "incr")
_TOLD = ("stanza", "type", "repo")
_NUMBER = re.compile(r"[1-9]\d{0,2}")
_REPOSITORY = re.compile(r"--repo(\d+)-(?:path|type|host|cipher-type|s3-bucket)[= ]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """A command as it was called. *stanza* and *command* are "" where they are not told; *repo* None: the default."""

    command: str
    stanza: str
    backup_type: str
    repo: str | None

    @property
    def over_all(self) -> bool:
        """Whether it works on every repository unless one is named (expire), or on the first that fits (restore)."""
        return self.command not in ("backup", "verify")

    def repository(self, lowest: str) -> str:
        """Return the repository that is used, "" for all of them; *lowest* is that of the lowest number."""
        return self.repo or ("" if self.over_all else lowest)


def of_words(words: Iterable[str], environ: Mapping[str, str]) -> Invocation:
    """Read the words of a command line, also one that begins with sudo or the like."""
    command, options = "", {}
    for name, value in _options(_after_program(list(words))):
        if name:
            options[name] = value
        elif not command and value in COMMANDS:
            command = value
    told = {name: options.get(name) or environ.get(f"PGBACKREST_{name.upper()}", "") for name in _TOLD}
    return _invocation(command, told)


def of_options(command: str, stanza: str, line: str) -> tuple[Invocation, str]:
    """Read the options of a log's begin line; return what was asked for, and the lowest repository there is."""
    told = {"stanza": stanza}
    for name in ("type", "repo"):
        at = line.find(f" --{name}=")
        if at >= 0:
            told[name] = line[at + len(name) + 4 :].split(" ", 1)[0]
    declared = [int(number) for number in _REPOSITORY.findall(line)]
    return _invocation(command, told), str(min(declared, default=1))


def _after_program(words: list[str]) -> list[str]:
    """Leave out what stands before pgbackrest: a user of sudo may be called backup."""
    names = [word.rpartition("/")[2] for word in words]
    return words[names.index("pgbackrest") + 1 :] if "pgbackrest" in names else words


def _options(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Give name and value of each option of interest, and each other word under no name."""
    pending = ""
    for word in words:
        if pending:
            yield pending, word
            pending = ""
        elif word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            if name in _TOLD and equals:
                yield name, value
            elif name in _TOLD:
                pending = name
        else:
            yield "", word


def _invocation(command: str, told: Mapping[str, str]) -> Invocation:
    type_ = told.get("type", "")
    backup_type = (type_ if type_ in _BACKUP_TYPES else "incr") if command == "backup" else ""
    repo = told.get("repo", "")
    return Invocation(
        command=command,
        stanza=told.get("stanza", ""),
        backup_type=backup_type,
        repo=repo if _NUMBER.fullmatch(repo) else None,
    )
