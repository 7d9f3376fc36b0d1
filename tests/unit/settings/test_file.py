"""The settings file: what it may say, and one line for each mistake."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.settings import (
    OFF,
    SIGNALS,
    Info,
    Override,
    PgBackRest,
    Repo,
    RepoThresholds,
    Settings,
    Stanza,
    StanzaThresholds,
    Threshold,
    Thresholds,
)
from exporter.settings.file import SettingsError, effective, load

SAMPLES = Path(__file__).parent / "samples"
HOUR = 3600.0
DAY = 24 * HOUR


def read(folder: Path, text: str | bytes) -> Settings:
    file = folder / "exporter.yml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return load(file)


def mistakes(folder: Path, text: str | bytes) -> list[str]:
    """Return the lines for a bad file, without the folder."""
    with pytest.raises(SettingsError) as caught:
        read(folder, text)
    assert all("\n" not in line and line.isprintable() for line in caught.value.problems)
    return [line.removeprefix(f"{folder}/") for line in caught.value.problems]


def test_no_file_and_an_empty_file_stand_for_the_defaults(tmp_path: Path) -> None:
    assert (
        load(None)
        == read(tmp_path, "")
        == read(tmp_path, "# nothing\n")
        == read(tmp_path, "---\n")
        == Settings()
    )
    assert read(tmp_path, "pgbackrest:\ninfo:\nstanzas:\nthresholds:\n") == Settings()


def test_every_setting_can_be_written() -> None:
    loaded = load(SAMPLES / "full.yml")
    assert loaded.pgbackrest == PgBackRest(
        command=("ssh", "-p", "2222", "repo-host", "pgbackrest"),
        config="/etc/pgbackrest/other.conf",
        config_include_path="/etc/pgbackrest/other.d",
    )
    assert loaded.exclude == ("scratch-*", "*-old")
    assert list(loaded.stanzas) == ["main", "no", "0815"]
    assert loaded.threshold("backup", "main", 1) == Threshold(warning=30 * HOUR, critical=50 * HOUR)
    assert loaded.threshold("backup", "main", 2) == Threshold(warning=8 * DAY, critical=15 * DAY)
    assert loaded.threshold("full_backup", "main", 2) == Threshold(warning=8 * DAY, critical=OFF)
    assert loaded.threshold("restore_test", "main") == Threshold(warning=OFF, critical=OFF)
    assert loaded.threshold("recovery_window", "no", 1) == Threshold(warning=7 * DAY, critical=3 * DAY)
    assert loaded.threshold("repo_used", "no", 1) == Threshold(warning=0.75, critical=0.9)
    assert loaded.info == Info(every=90.0, within=30.0, stale_after=1800.0, per_backup=0)


def test_all_mistakes_are_told_at_once_from_top_to_bottom() -> None:
    with pytest.raises(SettingsError) as caught:
        load(SAMPLES / "mistakes.yml")
    expected = (SAMPLES / "mistakes.txt").read_text().splitlines()
    assert [line.removeprefix(f"{SAMPLES}/") for line in caught.value.problems] == expected
    assert str(caught.value) == "; ".join(caught.value.problems)


LINES = (SAMPLES / "lines.txt").read_text().splitlines()


@pytest.mark.parametrize(("text", "words"), list(zip(LINES[::2], LINES[1::2], strict=True)))
def test_a_mistake_is_one_line_that_says_what_to_do(tmp_path: Path, text: str, words: str) -> None:
    assert mistakes(tmp_path, text) == [f"exporter.yml:1: {words.strip()}"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("info: {}\n\ninfo: {}", "exporter.yml:3: info: is there twice, first in line 1: remove one"),
        ("? [a]\n: b", "exporter.yml:1: a key must be one word"),
        (b"info:\n  every: \xff", "exporter.yml:2: this is not UTF-8: save the file in that encoding"),
        ("info:\n  every: 5s\x07", "exporter.yml:2: a control character stands here: remove it"),
        ("x" * (1024 * 1024 + 1), "exporter.yml: larger than 1 MiB: this is not a settings file"),
        ("- " * 1000, "exporter.yml: nested too deeply, or an alias stands for itself"),
        ("info: &a {b: *a}", "exporter.yml: nested too deeply, or an alias stands for itself"),
    ],
)
def test_a_mistake_in_the_writing_is_one_line_too(tmp_path: Path, text: str | bytes, line: str) -> None:
    assert mistakes(tmp_path, text) == [line]


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ("info:\n\tevery: 5s", "exporter.yml:2:1: ", "YAML indents with spaces: replace the tab"),
        (
            "exclude: [*-old]",
            "exporter.yml:1:11: ",
            'put quotes round a word that begins with *, such as "*-old"',
        ),
        ("info: {}\n---\ninfo: {}", "exporter.yml:2:1: ", "keep one document: remove the second ---"),
        (
            "info: every: 5s",
            "exporter.yml:1:12: ",
            "check the indentation, and put quotes round text with a colon",
        ),
        ("exclude: [!!python/name:os.system x]", "exporter.yml:1:11: ", "remove the tag that begins with !"),
        ("info: {every: 5s", "exporter.yml:1:17: ", "check the line and the one before"),
    ],
)
def test_broken_yaml_is_told_with_line_column_and_remedy(
    tmp_path: Path, text: str, place: str, remedy: str
) -> None:
    (found,) = mistakes(tmp_path, text)
    assert found.startswith(place)
    assert found.endswith(f": {remedy}")


def test_a_few_lines_that_stand_for_billions_of_values_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    assert mistakes(tmp_path, "\n".join(lines)) == [
        "exporter.yml: more than 100000 values: check the aliases (*name)"
    ]


def test_what_depends_on_a_mistake_is_not_told_as_another_one(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        "info: {every: 5 parsecs, stale_after: 30s}\nthresholds: {backup: {warning: 5, critical: 5h}}",
    )
    assert [line.split(": ")[1] for line in found] == ["info.every", "thresholds.backup.warning"]


def test_anchors_and_merges_are_understood(tmp_path: Path) -> None:
    text = """
stanzas:
  one: &usual
    thresholds: {backup: {warning: 2d}}
  two: *usual
  three:
    repos: {2: }
    <<: *usual
"""
    loaded = read(tmp_path, text)
    assert loaded.stanzas["one"] == loaded.stanzas["two"]
    assert loaded.threshold("backup", "three", 2).warning == 2 * DAY


def test_words_stay_words(tmp_path: Path) -> None:
    loaded = read(
        tmp_path, "stanzas: {no: , on: , 007: , 2026-11-22: , ~: , true: , 1_000: }\nexclude: [yes, 1:30]"
    )
    assert list(loaded.stanzas) == ["no", "on", "007", "2026-11-22", "~", "true", "1_000"]
    assert loaded.exclude == ("yes", "1:30")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    loop = tmp_path / "loop.yml"
    loop.symlink_to(loop)
    for path, words in (
        (tmp_path, "is a directory: name the file in it"),
        (tmp_path / "none.yml", "there is no such file: check the path"),
        (blocked / "exporter.yml", "Not a directory: check the path"),
        (loop, "Too many levels of symbolic links: check the path"),
    ):
        with pytest.raises(SettingsError) as caught:
            load(path)
        assert caught.value.problems == (f"{path}: {words}",)


def test_a_file_handed_over_by_the_shell_is_read() -> None:
    """As in `--config.file <(generate)`."""
    receiving, sending = os.pipe()
    os.write(sending, b"info: {every: 5s}")
    os.close(sending)
    try:
        assert load(Path(f"/dev/fd/{receiving}")).info.every == 5
    finally:
        os.close(receiving)


def test_the_effective_settings_are_written_with_units() -> None:
    written = effective(Settings())
    assert "backup: {warning: 26h, critical: 50h}" in written
    assert "repo_used: {warning: 80%, critical: 90%}" in written
    assert "recovery_window: off\n" in written
    assert "info: {every: 60s, within: 60s, stale_after: 10m, per_backup: 1000}" in written


MANY = settings(max_examples=50)
LETTERS = st.characters(exclude_categories=["C", "Z"], include_characters=" ")
TEXT = st.text(LETTERS, min_size=1, max_size=12)
NAMES = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="/"), min_size=1, max_size=12)
PATHS = st.none() | TEXT.map(lambda text: f"/{text}")
DURATIONS = st.floats(min_value=1, max_value=36500 * DAY) | st.integers(1, 1000).map(lambda days: days * DAY)
RATIOS = st.floats(min_value=0.001, max_value=1)


def sides(name: str, cls: type[Any]) -> st.SearchStrategy[Any]:
    """Make thresholds of one signal whose warning comes first."""
    signal = next(signal for signal in SIGNALS if signal.name == name)
    values = RATIOS if signal.unit == "ratio" else DURATIONS
    pairs = st.tuples(values, values).map(lambda pair: sorted(pair, reverse=signal.shorter_is_worse))
    both = pairs.map(lambda pair: cls(warning=pair[0], critical=pair[1]))
    off = st.sampled_from([cls(warning=OFF, critical=OFF)])
    return (
        both | off if cls is Threshold else both | off | st.just(Override()) | st.just(Override(critical=OFF))
    )


def thresholds(cls: type[Any], side: type[Any], names: list[str]) -> st.SearchStrategy[Any]:
    return st.builds(cls, **{name: sides(name, side) for name in names})


def frozen(strategy: st.SearchStrategy[dict[Any, Any]]) -> st.SearchStrategy[Mapping[Any, Any]]:
    return strategy.map(MappingProxyType)


ALL = [signal.name for signal in SIGNALS]
OF_REPOS = [signal.name for signal in SIGNALS if signal.scope == "repo"]
REPOS = st.builds(Repo, thresholds=thresholds(RepoThresholds, Override, OF_REPOS))
STANZAS = st.builds(
    Stanza,
    thresholds=thresholds(StanzaThresholds, Override, ALL),
    repos=frozen(st.dictionaries(st.integers(1, 256), REPOS, max_size=2)),
)
SETTINGS = st.builds(
    Settings,
    pgbackrest=st.builds(
        PgBackRest,
        command=st.lists(TEXT, min_size=1, max_size=4).map(tuple),
        config=PATHS,
        config_include_path=PATHS,
    ),
    stanzas=frozen(st.dictionaries(NAMES, STANZAS, max_size=2)),
    exclude=st.lists(TEXT, max_size=3).map(tuple),
    thresholds=thresholds(Thresholds, Threshold, ALL),
    info=st.builds(
        lambda every, factor, within, per_backup: Info(
            every=every, stale_after=max(every * factor, within), within=within, per_backup=per_backup
        ),
        every=st.floats(1, DAY),
        factor=st.integers(1, 100),
        within=st.floats(0.1, DAY),
        per_backup=st.integers(0, 10**6),
    ),
)


@MANY
@given(SETTINGS)
def test_the_effective_settings_read_back_equal(tmp_path: Path, some: Settings) -> None:
    assert read(tmp_path, effective(some)) == some


KEYS = [
    "info",
    "every",
    "stanzas",
    "main",
    "repos",
    "2",
    "thresholds",
    "backup",
    "warning",
    "pgbackrest",
    "command",
    "exclude",
    "off",
    "5s",
    "<<",
]
ATOMS = st.sampled_from(KEYS) | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
TREES = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
)


@MANY
@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="replace")) | TREES
)
@example({"exclude": [1.5, 2.5], "stanzas": {"a/b": {"repos": {"x": 5}}}})
def test_whatever_is_written_gives_settings_or_lines(tmp_path: Path, content: Any) -> None:
    lines: tuple[str, ...] = ("",)
    try:
        assert isinstance(
            read(tmp_path, content if isinstance(content, bytes) else yaml_of(content)), Settings
        )
    except SettingsError as error:
        lines = tuple(line.removeprefix(f"{tmp_path}/exporter.yml:") for line in error.problems)
    assert lines
    assert not any(line.startswith("/") or "\n" in line for line in lines)


def yaml_of(tree: Any) -> bytes:
    """Write a tree in flow style, unquoted where it can be, so that YAML has something to guess."""
    if isinstance(tree, dict):
        return b"{" + b", ".join(yaml_of(key) + b": " + yaml_of(value) for key, value in tree.items()) + b"}"
    if isinstance(tree, list):
        return b"[" + b", ".join(map(yaml_of, tree)) + b"]"
    return str(tree).encode(errors="replace")


def test_the_samples_are_all_used() -> None:
    used = {"full.yml", "lines.txt", "mistakes.yml", "mistakes.txt"}
    assert {path.name for path in SAMPLES.iterdir()} == used
