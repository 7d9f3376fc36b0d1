"""The settings file: read strictly, with all mistakes at once, and written as it would be read."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from exporter import yamlfile
from exporter.settings import (
    OFF,
    SIGNALS,
    SOURCES,
    Archiver,
    Info,
    Override,
    Patroni,
    PgBackRest,
    Repository,
    RepoThresholds,
    Runs,
    Settings,
    Signal,
    Stanza,
    StanzaThresholds,
    Threshold,
    Thresholds,
    mistakes,
    restore_tests_words,
    words,
)
from exporter.settings.cadence import Cadence
from exporter.settings.conninfo import conninfo
from exporter.settings.mistakes import Reader, section
from exporter.settings.quantity import ratio, seconds, show_ratio, show_seconds, show_size, shown, size
from exporter.settings.restore_tests import Query, RestoreTests
from exporter.yamlfile import Key


class SettingsError(Exception):
    """The file cannot be used; *problems* are all its mistakes, one line each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


def load(path: Path | None) -> Settings:
    """Read the file; None or an empty file stands for the defaults. Raises SettingsError with every mistake."""
    if path is None:
        return Settings()
    try:
        document = yamlfile.read(path)
    except yamlfile.YamlError as error:
        raise SettingsError([str(error)]) from None
    settings, problems = mistakes.structure(Settings, document.value, _CONVERTER)
    mistaken = {part for problem in problems for part in problem.key}
    for key, depends, text in _contradictions(settings):
        # Defaults stand in for what could not be read: they contradict nobody.
        if not mistaken & depends:
            problems.append(mistakes.Problem(key, text))
    if problems or document.problems:
        raise SettingsError(document.told((problem.key, problem.words) for problem in problems))
    return settings


def effective(settings: Settings) -> str:
    """Write all settings with their units as YAML; `load` reads it back equal."""
    return yamlfile.dump(
        {
            "pgbackrest": asdict(settings.pgbackrest) | {"command": list(settings.pgbackrest.command)},
            "stanzas": {name: _written_stanza(stanza) for name, stanza in settings.stanzas.items()},
            "exclude": list(settings.exclude),
            "thresholds": _written(settings.thresholds),
            "state_path": settings.state_path,
            **{name: _written_section(getattr(settings, name)) for name in SOURCES},
        }
    )


def _written_section(section: Cadence | Query) -> dict[str, Any]:
    values = ((field.name, getattr(section, field.name)) for field in fields(section))
    return {name: _SHOWN[name](value) if name in _SHOWN else value for name, value in values}


def _show_capacity(capacity: Mapping[int, float]) -> dict[str, str]:
    return {str(repo): show_size(value) for repo, value in capacity.items()}


_SHOWN: Mapping[str, Callable[[Any], Any]] = {
    "every": show_seconds,
    "within": show_seconds,
    "stale_after": show_seconds,
    "capacity": _show_capacity,
    **restore_tests_words.SHOWN,
    "queries": lambda queries: [_written_section(query) for query in queries],
}


def _written_stanza(stanza: Stanza) -> dict[str, Any]:
    repos = {number: {"thresholds": _written(repo.thresholds)} for number, repo in stanza.repos.items()}
    parts = {
        "postgresql": stanza.postgresql,
        "patroni": list(stanza.patroni),
        "thresholds": _written(stanza.thresholds),
        "repos": repos,
    }
    return {name: part for name, part in parts.items() if part}


def _written(thresholds: Thresholds | RepoThresholds) -> dict[str, Any]:
    pairs = ((signal, getattr(thresholds, signal.name, Override())) for signal in SIGNALS)
    return {signal.name: _written_sides(signal, value) for signal, value in pairs if value != Override()}


def _written_sides(signal: Signal, value: Threshold | Override) -> Any:
    if value.warning == value.critical == OFF:
        return "off"
    sides = {"warning": value.warning, "critical": value.critical}
    return {side: _show(signal, number) for side, number in sides.items() if number is not None}


def _show(signal: Signal, value: float) -> str:
    if value == OFF:
        return "off"
    return show_seconds(value) if signal.unit == "seconds" else show_ratio(value)


def _contradictions(settings: Settings) -> Iterator[tuple[Key, set[str], str]]:
    """Find settings that are right by themselves but not together: where, what they depend on, and the words."""
    for name in SOURCES:
        yield from _too_slow(name, getattr(settings, name))
    yield from _half_named(settings.patroni)
    for key, (stanza, repo), thresholds in _places(settings):
        for signal in SIGNALS:
            text = _reversed(signal, settings.threshold(signal.name, stanza, repo))
            if text and getattr(thresholds, signal.name, Override()) != Override():
                yield (*key, signal.name), {signal.name}, text


def _too_slow(name: str, cadence: Cadence) -> Iterator[tuple[Key, set[str], str]]:
    if cadence.stale_after < cadence.every:
        yield (
            (name, "stale_after"),
            {"stale_after", "every"},
            f"is shorter than every ({show_seconds(cadence.every)}): make it longer",
        )
    elif cadence.within > cadence.stale_after:
        yield (
            (name, "within"),
            {"within", "stale_after", "every"},
            f"is longer than stale_after ({show_seconds(cadence.stale_after)}): values could grow stale unseen",
        )


def _half_named(patroni: Patroni) -> Iterator[tuple[Key, set[str], str]]:
    for named, wanted in (
        ("username", "password_file"),
        ("password_file", "username"),
        ("key_file", "cert_file"),
    ):
        if getattr(patroni, named) and not getattr(patroni, wanted):
            yield ("patroni", named), {named, wanted}, f"is of no use without {wanted}: name that too"


def _places(settings: Settings) -> Iterator[tuple[Key, tuple[str, int | None], Thresholds | RepoThresholds]]:
    """Walk the places where thresholds are stated: where, for which stanza and repository, and what."""
    yield ("thresholds",), ("", None), settings.thresholds
    for name, stanza in settings.stanzas.items():
        yield ("stanzas", name, "thresholds"), (name, None), stanza.thresholds
        for number, repo in stanza.repos.items():
            yield ("stanzas", name, "repos", str(number), "thresholds"), (name, number), repo.thresholds


def _reversed(signal: Signal, threshold: Threshold) -> str | None:
    """Tell why nobody would be warned before it is critical; None where all is well."""
    warning, critical = threshold.warning, threshold.critical
    too_late = warning < critical if signal.shorter_is_worse else warning > critical
    if OFF in (warning, critical) or not too_late:
        return None
    side, wanted = ("below", "longer") if signal.shorter_is_worse else ("above", "lower")
    return (
        f"warning {_show(signal, warning)} is {side} critical {_show(signal, critical)}: "
        f"the warning must be the {wanted} one (a side that is left out is inherited)"
    )


def _threshold(signal: Signal) -> Reader:
    """Tell how a threshold of *signal* is read: `{warning: 26h, critical: off}`, or `off` for both."""
    read_unit = seconds if signal.unit == "seconds" else ratio

    def read_side(written: Any) -> float:
        if written == "off":
            return OFF
        if not (value := read_unit(written)):
            raise ValueError(f'{shown(written)} is no threshold: expected more than 0, or "off"')
        return value

    read_sides = section(Override, {"warning": read_side, "critical": read_side})

    def read(written: Any) -> Override:
        if written == "off":
            return Override(warning=OFF, critical=OFF)
        if written is not None and not isinstance(written, dict):
            example = (
                "warning: 8d, critical: 15d" if signal.unit == "seconds" else "warning: 80%, critical: 90%"
            )
            raise ValueError(f"expected {{{example}}} or off, not {shown(written)}")
        return read_sides(written)

    return read


def _command(written: Any) -> tuple[str, ...]:
    """Read a program: one word, or a list of words that is passed on as it stands, by no shell."""
    result = (words.program(written),) if isinstance(written, str) else mistakes.items(words.word)(written)
    if not result:
        raise ValueError("is empty: name the program, such as [pgbackrest]")
    return result


def _thresholds(value: Any, _: object) -> Thresholds:
    given, default = _CONVERTER.structure(value, StanzaThresholds), Thresholds()
    sides = {one.name: getattr(given, one.name).over(getattr(default, one.name)) for one in fields(default)}
    return Thresholds(**sides)


_BY_SIGNAL = {signal.name: _threshold(signal) for signal in SIGNALS}
_CADENCE: Mapping[str, Reader] = {
    "every": words.at_least(1.0),
    "within": words.at_least(0.1),
    "stale_after": words.at_least(1.0),
}
_SOURCE: Mapping[str, Reader] = {**_CADENCE, "enabled": words.yes_or_no}
_CONVERTER = mistakes.converter(
    {
        PgBackRest: {"command": _command, "config": words.path, "config_include_path": words.path},
        Settings: {"exclude": mistakes.items(words.line), "state_path": words.folder},
        Stanza: {"postgresql": conninfo, "patroni": mistakes.items(words.url)},
        RepoThresholds: _BY_SIGNAL,
        StanzaThresholds: _BY_SIGNAL,
        Info: {**_CADENCE, "per_backup": words.count},
        Archiver: _SOURCE,
        Repository: _SOURCE,
        Runs: {**_SOURCE, "log_path": words.path, "records": words.path},
        Patroni: {
            **_SOURCE,
            "ca_file": words.path,
            "cert_file": words.path,
            "key_file": words.path,
            "username": words.username,
            "password_file": words.path,
        },
        RestoreTests: {**_SOURCE, **restore_tests_words.READERS},
    },
    # Of a mapping's keys: those of stanzas are text, those of repos are numbers; of its values: bytes.
    keys={str: words.stanza, int: words.repository, float: size},
)
_CONVERTER.register_structure_hook(Thresholds, _thresholds)
