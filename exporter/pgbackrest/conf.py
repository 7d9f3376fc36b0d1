"""What pgBackRest's own configuration says: which stanzas there are, and where their repositories are.

The rules are those of src/config/load.c, parse.c and src/common/ini.c, tried out with release 2.45: where it
looks, that a file named by --config hides conf.d, that the default file is read beside --config-include-path.
Values are kept only of options that are known to hold no secret; of all others the name alone.
"""

import errno
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

ETC = Path("/etc")

Section = Mapping[str, str | None]
"""Options by their present names; the value is None where it is not kept."""

_MOST_BYTES = 8 * 1024 * 1024
_BLANK = " \t\r\n\v\f"
_PREFIX = "PGBACKREST_"
_HARMLESS = re.compile(
    r"repo\d+-(?:type|path|host|retention-[a-z-]+)"
    r"|pg\d+-(?:path|socket-path|port|user|host|database)"
    r"|(?:log|lock|spool)-path|log-level-file"
)
# A plain `info` takes no notice of these in a stanza's section (seen in 2.45).
_LOCATION = re.compile(r"repo\d+-(?:path|type|host|(?:host|cipher|s3|azure|gcs|sftp|storage)-.+)")
_CIPHER = re.compile(r"repo\d+-cipher-.+")
# A repository exists where one of these is set; retention, cipher-pass or host-user alone make none (seen in 2.45).
_DECLARATION = re.compile(r"repo(\d+)-(?:path|type|host|cipher-type)")
# Names that pgBackRest still takes (src/build/config/config.yaml, `deprecate`), and what they mean now.
_OLD_NAMES = (
    (re.compile(r"repo-(path|type|(?:cipher|s3)-.+)"), r"repo1-\1"),
    (re.compile(r"retention-(.+)"), r"repo1-retention-\1"),
    (re.compile(r"backup-host"), "repo1-host"),
    (re.compile(r"db-(host|path|port|socket-path)"), r"pg1-\1"),
    (re.compile(r"db(\d+)-(host|path|port|socket-path)"), r"pg\1-\2"),
)


class ConfError(Exception):
    """The configuration cannot be read; the message is one line, and never holds a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PgBackRestConf:
    """One reading: the *files* that there are, their *sections*, and the options in the *environment*."""

    files: tuple[Path, ...] = ()
    sections: Mapping[str, Section]
    environment: Section

    @property
    def stanzas(self) -> tuple[str, ...]:
        """Every stanza that has a section, be it for one command only."""
        names = {section.partition(":")[0] for section in self.sections}
        return tuple(sorted(names - {"global", ""}))

    @property
    def own_repositories(self) -> frozenset[str]:
        """The stanzas whose section tells where a repository is: `info` sees them only when asked by --stanza."""
        return frozenset(stanza for stanza in self.stanzas if any(self._located(stanza)))

    def repository_types(self, stanza: str) -> Mapping[int, str]:
        """Give the storage (posix, s3 and others) of each repository that *stanza* uses.

        A repository behind a host is left out unless its type stands here: the host's own configuration knows it.
        """
        sources = (self.environment, *self._own(stanza), *self._shared())
        # The nearest section comes last and so wins.
        options = {name: value for source in reversed(sources) for name, value in source.items()}
        types: dict[int, str] = {}
        for number in _declared(options) or {1}:
            if kind := options.get(f"repo{number}-type"):
                types[number] = kind
            elif f"repo{number}-host" not in options:
                types[number] = "posix"
        return MappingProxyType(types)

    def repositories(self, stanza: str) -> frozenset[int]:
        """Give the numbers of the repositories that *stanza* uses, those behind a host too."""
        sources = (self.environment, *self._own(stanza), *self._shared())
        return frozenset(_declared({name: None for source in sources for name in source}) or {1})

    def option(self, stanza: str, name: str, command: str) -> str | None:
        """Give the value in force for a *command* on *stanza*; None where none is set, or it is not kept."""
        sections = (f"{stanza}:{command}", stanza, f"global:{command}", "global")
        sources = (self.environment, *map(self._section, sections))
        return next((source[name] for source in sources if name in source), None)

    def declared_for_all(self, repo: int) -> bool:
        """Tell whether all stanzas share this repository: no stanza's section has one of its own by that number."""
        own = (option for stanza in self.stanzas for option in self._located(stanza))
        return not any(option.startswith(f"repo{repo}-") and not _CIPHER.fullmatch(option) for option in own)

    def _located(self, stanza: str) -> Iterator[str]:
        options = (option for section in self._own(stanza) for option in section)
        return (option for option in options if _LOCATION.fullmatch(option))

    def _own(self, stanza: str) -> tuple[Section, ...]:
        return self._section(f"{stanza}:info"), self._section(stanza)

    def _shared(self) -> tuple[Section, ...]:
        return self._section("global:info"), self._section("global")

    def _section(self, name: str) -> Section:
        return self.sections.get(name, {})


def read(
    config: str | None, include_path: str | None, environ: Mapping[str, str], *, etc: Path = ETC
) -> PgBackRestConf:
    """Read what pgBackRest would read when called with --config and --config-include-path (None: without).

    Default files that do not exist are an empty configuration. Raises ConfError.
    """
    _check(environ)
    texts = dict(_texts(_Places(config, include_path, environ, etc)))
    sections: dict[str, dict[str, str | None]] = {}
    for path, text in texts.items():
        for section, name, value in _options(path, text):
            options = sections.setdefault(section, {})
            if name:
                options[name] = _kept(name, value)
    environment = {
        (name := _present(variable.removeprefix(_PREFIX).lower().replace("_", "-"))): _kept(name, value)
        for variable, value in environ.items()
        if variable.startswith(_PREFIX)
    }
    return PgBackRestConf(
        files=tuple(texts),
        sections=MappingProxyType({name: MappingProxyType(section) for name, section in sections.items()}),
        environment=MappingProxyType(environment),
    )


def signature(
    config: str | None, include_path: str | None, environ: Mapping[str, str], *, etc: Path = ETC
) -> tuple[object, ...]:
    """Tell one state of the files from another, for the price of a stat each; never raises.

    The time of change counts too: a mended permission leaves the time of writing as it was.
    """
    places = _Places(config, include_path, environ, etc)
    paths = [*places.candidates, *([places.folder] if places.folder else [])]
    try:
        paths += places.included()
    except ConfError as error:
        return (*map(_state, paths), str(error))
    return tuple(map(_state, paths))


def _state(path: Path) -> object:
    try:
        stat = path.stat()
    except OSError as error:
        return str(path), error.errno
    return str(path), stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


class _Places:
    """Where pgBackRest looks (cfgFileLoad in src/config/load.c). The command line goes before the environment."""

    def __init__(
        self, config: str | None, include_path: str | None, environ: Mapping[str, str], etc: Path
    ) -> None:
        config = config or environ.get("PGBACKREST_CONFIG")
        include_path = include_path or environ.get("PGBACKREST_CONFIG_INCLUDE_PATH")
        base = environ.get("PGBACKREST_CONFIG_PATH")
        usual = etc / "pgbackrest"
        folder = Path(base) if base else usual
        # A relative path is taken from /, whatever the working directory.
        self.required = Path("/", config) if config else None
        self.candidates = [self.required or folder / "pgbackrest.conf"]
        if not config and base in (None, "", str(usual)):
            self.candidates.append(etc / "pgbackrest.conf")
        self.folder_required = bool(include_path)
        self.folder: Path | None = Path("/", include_path) if include_path else folder / "conf.d"
        if config and not include_path and not base:
            self.folder = None

    def included(self) -> list[Path]:
        """List the files of the include folder, in the order of their names' bytes."""
        if self.folder is None:
            return []
        try:
            names = [path.name for path in self.folder.iterdir()]
        except FileNotFoundError:
            if self.folder_required:
                raise ConfError(
                    f"{self.folder}: there is no such folder: check config_include_path"
                ) from None
            return []
        except OSError as error:
            raise ConfError(_refused(self.folder, error)) from None
        fitting = [name for name in names if name.endswith(".conf") and name != ".conf"]
        return [self.folder / name for name in sorted(fitting, key=os.fsencode)]


def _check(environ: Mapping[str, str]) -> None:
    for name in ("PGBACKREST_CONFIG", "PGBACKREST_CONFIG_INCLUDE_PATH", "PGBACKREST_CONFIG_PATH"):
        if environ.get(name) == "":
            raise ConfError(f"{name} is set but empty, which pgBackRest refuses: unset it")
    if not environ.get("PGBACKREST_CONFIG_PATH", "/").startswith("/"):
        raise ConfError("PGBACKREST_CONFIG_PATH must begin with /: write the whole path")


def _texts(places: _Places) -> Iterator[tuple[Path, str]]:
    """Read the one main file that there is, and the included ones."""
    room = _MOST_BYTES
    mains = ((path, _bytes(path, room)) for path in places.candidates)
    main = next(((path, data) for path, data in mains if data is not None), None)
    if main is None and places.required:
        raise ConfError(f"{places.required}: there is no such file: check pgbackrest.config")
    # A link to nowhere in the folder is passed over, as pgBackRest does.
    others = ((path, _bytes(path, room)) for path in places.included())
    for path, data in (*([main] if main else []), *others):
        if data is None:
            continue
        room -= len(data)
        yield path, data.decode(errors="replace")


def _bytes(path: Path, most: int) -> bytes | None:
    """Read a file, or give None where there is none. A pipe or a device does not hold it up."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(most + 1) or b""
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfError(_refused(path, error)) from None
    if len(data) > most:
        raise ConfError(f"{path}: more than {_MOST_BYTES >> 20} MiB of configuration: check the path")
    return data


def _refused(path: Path, error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{path}: permission denied: let this user read it, or name the stanzas in the settings"
    return f"{path}: {(error.strerror or str(error)).lower()}: check the path"


def _options(path: Path, text: str) -> Iterator[tuple[str, str, str]]:
    """Give section, option and value of each line, and each section once with no option.

    As src/common/ini.c has it: only a line that begins with # is a comment, a later # belongs to the value.
    """
    section = None
    for number, line in enumerate((line.strip(_BLANK) for line in text.split("\n")), start=1):
        # No message quotes the line: it may hold a secret.
        name, equals, value = line.partition("=")
        if line.startswith("#") or not line:
            continue
        if line.startswith("["):
            section = line[1:-1]
            if not line.endswith("]") or not section:
                raise ConfError(f"{path}:{number}: a section must be a name in brackets, such as [main]")
            yield section, "", ""
        elif section is None:
            raise ConfError(f"{path}:{number}: an option stands before any section: put [global] above it")
        elif not equals or not name.strip(_BLANK):
            raise ConfError(f"{path}:{number}: expected option=value")
        else:
            yield section, _present(name.strip(_BLANK)), value.strip(_BLANK)


def _present(name: str) -> str:
    """Give the name that an option has now."""
    for old, new in _OLD_NAMES:
        if found := old.fullmatch(name):
            return found.expand(new)
    return name


def _kept(name: str, value: str) -> str | None:
    return value if _HARMLESS.fullmatch(name) else None


def _declared(options: Section) -> set[int]:
    found = (_DECLARATION.fullmatch(name) for name in options)
    return {int(match[1]) for match in found if match}
