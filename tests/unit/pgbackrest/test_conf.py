"""pgBackRest's own configuration, found and understood as pgBackRest 2.45 does."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.pgbackrest.conf import ConfError, PgBackRestConf, read, signature

MAIN = "[global]\nrepo1-path=/main\n"
OLD = "[global]\nrepo1-path=/old\n"
PART = "[part]\npg1-path=/part\n"


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """Stand in for /etc, with nothing in it."""
    (tmp_path / "etc" / "pgbackrest" / "conf.d").mkdir(parents=True)
    return tmp_path / "etc"


def conf(folder: Path, text: str | bytes, environ: Mapping[str, str] | None = None) -> PgBackRestConf:
    """Read *text* as the only file."""
    file = folder / "only.conf"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(str(file), None, environ or {})


def found(etc: Path, config: str | None = None, include_path: str | None = None, **environ: str) -> list[str]:
    """Return the files that are read, as seen from *etc*."""
    files = read(config, include_path, environ, etc=etc).files
    return [os.path.relpath(file, etc) for file in files]


def test_without_any_file_the_configuration_is_empty(tmp_path: Path) -> None:
    nothing = read(None, None, {}, etc=tmp_path)
    assert nothing.files == ()
    assert nothing.stanzas == ()
    assert nothing.own_repositories == frozenset()
    assert nothing.repository_types("main") == {1: "posix"}


def test_the_default_file_hides_the_old_one(etc: Path) -> None:
    (etc / "pgbackrest.conf").write_text(OLD)
    assert found(etc) == ["pgbackrest.conf"]
    (etc / "pgbackrest" / "pgbackrest.conf").write_text(MAIN)
    assert found(etc) == ["pgbackrest/pgbackrest.conf"]


def test_a_default_file_that_is_a_link_to_nowhere_is_none(etc: Path) -> None:
    (etc / "pgbackrest.conf").write_text(OLD)
    (etc / "pgbackrest" / "pgbackrest.conf").symlink_to("gone")
    (etc / "pgbackrest" / "conf.d" / "x.conf").symlink_to("gone")
    assert found(etc) == ["pgbackrest.conf"]


def test_the_folder_is_read_in_the_order_of_bytes_and_only_what_ends_in_conf(etc: Path) -> None:
    folder = etc / "pgbackrest" / "conf.d"
    for name in (".conf", ".hidden.conf", "a.conf", "B.conf", "é.conf", "a.conf.bak", "a.CONF", "conf"):
        (folder / name).write_text(PART)
    (etc / "pgbackrest.conf").write_text(OLD)
    names = [".hidden.conf", "B.conf", "a.conf", "é.conf"]
    assert found(etc) == ["pgbackrest.conf", *(f"pgbackrest/conf.d/{name}" for name in names)]


def test_a_named_file_hides_the_folder_unless_that_is_named_too(etc: Path) -> None:
    (etc / "pgbackrest" / "conf.d" / "part.conf").write_text(PART)
    other = etc / "other.conf"
    other.write_text(MAIN)
    folder = str(etc / "pgbackrest" / "conf.d")
    assert found(etc, str(other)) == ["other.conf"]
    assert found(etc, PGBACKREST_CONFIG=str(other)) == ["other.conf"]
    both = ["other.conf", "pgbackrest/conf.d/part.conf"]
    assert found(etc, str(other), folder) == both
    assert found(etc, str(other), PGBACKREST_CONFIG_INCLUDE_PATH=folder) == both
    assert found(etc, None, folder, PGBACKREST_CONFIG=str(other)) == both


def test_a_named_folder_stands_beside_the_default_file(etc: Path) -> None:
    (etc / "pgbackrest.conf").write_text(OLD)
    (etc / "more.d").mkdir()
    (etc / "more.d" / "part.conf").write_text(PART)
    (etc / "pgbackrest" / "conf.d" / "unread.conf").write_text(PART)
    assert found(etc, None, str(etc / "more.d")) == ["pgbackrest.conf", "more.d/part.conf"]


def test_the_path_in_the_environment_moves_both_and_forgets_the_old_file(etc: Path) -> None:
    (etc / "pgbackrest.conf").write_text(OLD)
    moved = etc / "moved"
    (moved / "conf.d").mkdir(parents=True)
    (moved / "conf.d" / "part.conf").write_text(PART)
    assert found(etc, PGBACKREST_CONFIG_PATH=str(moved)) == ["moved/conf.d/part.conf"]
    (moved / "pgbackrest.conf").write_text(MAIN)
    both = ["moved/pgbackrest.conf", "moved/conf.d/part.conf"]
    assert found(etc, PGBACKREST_CONFIG_PATH=str(moved)) == both
    # A named file does not hide the folder then.
    assert found(etc, str(etc / "pgbackrest.conf"), PGBACKREST_CONFIG_PATH=str(moved)) == [
        "pgbackrest.conf",
        "moved/conf.d/part.conf",
    ]
    assert found(etc, PGBACKREST_CONFIG_PATH=str(etc / "pgbackrest")) == ["pgbackrest.conf"]


def test_what_is_named_must_be_there(etc: Path) -> None:
    with pytest.raises(ConfError, match=r"none\.conf: there is no such file: check pgbackrest\.config$"):
        read(str(etc / "none.conf"), None, {}, etc=etc)
    with pytest.raises(ConfError, match=r"none\.d: there is no such folder: check config_include_path$"):
        read(None, str(etc / "none.d"), {}, etc=etc)
    with pytest.raises(ConfError, match=r"conf\.d: is a directory: check the path$"):
        read(str(etc / "pgbackrest" / "conf.d"), None, {}, etc=etc)
    (etc / "pgbackrest.conf").touch()
    with pytest.raises(ConfError, match=r"pgbackrest\.conf: not a directory: check the path$"):
        read(None, str(etc / "pgbackrest.conf"), {}, etc=etc)


def test_what_pgbackrest_refuses_in_the_environment_is_told(etc: Path) -> None:
    for name in ("PGBACKREST_CONFIG", "PGBACKREST_CONFIG_INCLUDE_PATH", "PGBACKREST_CONFIG_PATH"):
        with pytest.raises(ConfError, match=f"{name} is set but empty"):
            read(None, None, {name: ""}, etc=etc)
    with pytest.raises(ConfError, match="PGBACKREST_CONFIG_PATH must begin with /"):
        read(None, None, {"PGBACKREST_CONFIG_PATH": "here"}, etc=etc)


def test_a_relative_path_is_taken_from_the_root(etc: Path) -> None:
    (etc / "other.conf").write_text(MAIN)
    assert found(etc, str(etc / "other.conf").removeprefix("/")) == ["other.conf"]


def test_a_pipe_does_not_hold_it_up_and_a_device_does_not_fill_the_memory(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert read(str(tmp_path / "pipe"), None, {}).sections == {}
    assert read("/dev/null", None, {}).sections == {}
    with pytest.raises(ConfError, match="/dev/zero: more than 8 MiB of configuration: check the path"):
        read("/dev/zero", None, {})


def test_blanks_and_comments_are_those_of_pgbackrest(tmp_path: Path) -> None:
    text = """
  # a comment
[global]\r
\trepo1-path\t=  /a path # and no comment
repo1-type=s3=x
# repo2-path=/no
  [main]\t
pg1-path=/pg
[main:backup]
[global]
log-path=/log
"""
    sections = conf(tmp_path, text).sections
    assert sections["global"] == {
        "repo1-path": "/a path # and no comment",
        "repo1-type": "s3=x",
        "log-path": "/log",
    }
    assert sections["main"] == {"pg1-path": "/pg"}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("repo1-path=/x", 1, "an option stands before any section: put [global] above it"),
        ("\ufeff[global]\n", 1, "expected"),
        ("[global]\n; comment\n", 2, "expected option=value"),
        ("[global]\nrepo1-cipher-pass secret\n", 2, "expected option=value"),
        ("[global]\n=secret\n", 2, "expected option=value"),
        ("[global] # comment\n", 1, "a section must be a name in brackets, such as [main]"),
        ("[]\n", 1, "a section must be a name in brackets, such as [main]"),
        ("[\n", 1, "a section must be a name in brackets, such as [main]"),
    ],
)
def test_what_pgbackrest_cannot_read_is_told_with_its_line_and_without_its_text(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    if text.startswith("\ufeff"):
        words = "an option stands before any section: put [global] above it"
    with pytest.raises(ConfError) as caught:
        conf(tmp_path, text)
    assert str(caught.value) == f"{tmp_path}/only.conf:{line}: {words}"


def test_every_section_but_global_names_a_stanza(tmp_path: Path) -> None:
    text = "[global]\n[b]\n[global:backup]\n[c:archive-push]\n[a]\n[a:info]\n[:info]\n[ d e ]\n"
    assert conf(tmp_path, text).stanzas == (" d e ", "a", "b", "c")


def test_invalid_utf8_is_no_obstacle(tmp_path: Path) -> None:
    assert conf(tmp_path, b"[ma\xffn]\npg1-path=/\xff\n").stanzas == ("ma\N{REPLACEMENT CHARACTER}n",)


@pytest.mark.parametrize(
    ("section", "own"),
    [
        ("[a]\nrepo1-path=/x", True),
        ("[a]\nrepo2-type=s3", True),
        ("[a]\nrepo1-host=backup", True),
        ("[a]\nrepo1-host-user=pg", True),
        ("[a]\nrepo1-cipher-pass=x", True),
        ("[a]\nrepo12-s3-bucket=x", True),
        ("[a]\nrepo1-storage-host=x", True),
        ("[a]\nrepo-path=/x", True),
        ("[a]\nbackup-host=x", True),
        ("[a:info]\nrepo1-path=/x", True),
        ("[a:backup]\nrepo1-path=/x", False),
        ("[a]\nrepo1-retention-full=2\nretention-diff=3\nrepo1-block=y\nrepo2-bundle=y", False),
        ("[a]\npg1-path=/x\ndb-path=/x", False),
    ],
)
def test_a_stanza_is_asked_for_by_name_when_its_section_tells_of_a_repository(
    tmp_path: Path, section: str, own: bool
) -> None:
    assert ("a" in conf(tmp_path, f"{MAIN}{section}\n").own_repositories) is own


@pytest.mark.parametrize(
    ("text", "environ", "types"),
    [
        ("", {}, {1: "posix"}),
        ("[global]\nrepo2-path=/x", {}, {2: "posix"}),
        ("[global]\nrepo1-path=/x\nrepo2-type=s3\nrepo3-cipher-type=none", {}, {1: "posix", 2: "s3", 3: "posix"}),
        ("[global]\nrepo1-type=s3\n[a]\nrepo1-type=azure", {}, {1: "azure"}),
        ("[a]\nrepo1-type=azure\n[a:info]\nrepo1-type=gcs", {}, {1: "gcs"}),
        ("[global:info]\nrepo1-type=gcs\n[a]\nrepo1-type=azure", {}, {1: "azure"}),
        ("[global]\nrepo1-type=s3\n[b]\nrepo2-type=azure", {}, {1: "s3"}),
        ("[global]\nrepo1-host=backup\nrepo2-path=/x", {}, {2: "posix"}),
        ("[global]\nrepo1-host=backup\nrepo1-type=s3", {}, {1: "s3"}),
        ("[global]\nbackup-host=backup", {}, {}),
        ("[global]\nrepo-type=s3", {}, {1: "s3"}),
        ("[global]\nrepo1-path=/x\nrepo2-retention-full=2\nrepo3-cipher-pass=x", {}, {1: "posix"}),
        ("[a]\nrepo1-type=s3", {"PGBACKREST_REPO1_TYPE": "gcs", "PGBACKREST_REPO2_PATH": "/x"}, {1: "gcs", 2: "posix"}),
        ("", {"PGBACKREST_REPO_TYPE": "s3", "PATH": "/bin", "REPO2_TYPE": "s3"}, {1: "s3"}),
    ],
)  # fmt: skip
def test_the_storage_of_each_repository_is_told(
    tmp_path: Path, text: str, environ: Mapping[str, str], types: Mapping[int, str]
) -> None:
    assert conf(tmp_path, text, environ).repository_types("a") == types


def test_a_repository_is_shared_unless_a_stanza_has_its_own_by_that_number(tmp_path: Path) -> None:
    own = conf(tmp_path, f"{MAIN}repo2-path=/x\n[a]\nrepo2-path=/y\nrepo3-path=/z\nrepo1-cipher-pass=x\n")
    assert [own.declared_for_all(repo) for repo in (1, 2, 3)] == [True, False, False]


def test_no_secret_is_kept(tmp_path: Path) -> None:
    names = (
        "cipher-pass cipher-passx s3-key s3-key-secret s3-token azure-key gcs-key sftp-private-key-passphrase"
    )
    options = [*(f"repo1-{name}" for name in names.split(" ")), "repo1-path-secret", "some-new-secret"]
    lines = "".join(f"{option}=hunter2\n" for option in options)
    environ = {f"PGBACKREST_{option.replace('-', '_').upper()}": "hunter2" for option in options}
    kept = conf(tmp_path, f"[global]\n{lines}[a]\n{lines}", environ)
    assert "hunter2" not in repr(kept)
    assert set(kept.sections["a"]) == set(kept.environment) == set(options)


def test_what_is_read_cannot_be_changed(tmp_path: Path) -> None:
    kept = conf(tmp_path, MAIN)
    with pytest.raises(TypeError):
        kept.sections["global"] = {}  # type: ignore[index]
    with pytest.raises(TypeError):
        kept.sections["global"]["repo1-path"] = "/x"  # type: ignore[index]


def changes(etc: Path) -> Iterator[str]:
    """Change what pgBackRest would read, step by step."""
    main, folder = etc / "pgbackrest" / "pgbackrest.conf", etc / "pgbackrest" / "conf.d"
    (etc / "pgbackrest.conf").write_text(OLD)
    yield "the old file appears"
    main.write_text(MAIN)
    yield "the new file appears"
    stat = main.stat()
    (etc / "next").write_text(MAIN)
    os.utime(etc / "next", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    (etc / "next").rename(main)
    yield "it is replaced by one of the same size and time"
    main.chmod(0o600)
    yield "its permissions change"
    (folder / "a.conf").write_text(PART)
    yield "a file is added to the folder"
    (folder / "a.conf").write_text(PART + PART)
    yield "it grows"
    (folder / "a.conf").unlink()
    yield "it goes"
    folder.rmdir()
    yield "the folder goes"


def test_the_signature_changes_with_every_change(etc: Path) -> None:
    last = signature(None, None, {}, etc=etc)
    for change in changes(etc):
        now = signature(None, None, {}, etc=etc)
        assert now != last, change
        assert now == signature(None, None, {}, etc=etc), change
        last = now


def test_a_signature_is_given_whatever_is_missing(etc: Path) -> None:
    (etc / "file").touch()
    assert signature(str(etc / "none.conf"), str(etc / "none.d"), {}, etc=etc)
    assert signature(None, str(etc / "file"), {}, etc=etc)
    assert signature(None, None, {"PGBACKREST_CONFIG": "", "PGBACKREST_CONFIG_PATH": "x"}, etc=etc)


@given(st.binary(max_size=100) | st.text("[]=#:\n ag1-", max_size=40).map(str.encode))
def test_whatever_a_file_holds_gives_a_configuration_or_one_line(tmp_path: Path, content: bytes) -> None:
    words = ""
    try:
        some = conf(tmp_path, content)
    except ConfError as error:
        words = str(error)
    else:
        assert all(some.repository_types(stanza) is not None for stanza in some.stanzas)
    assert "\n" not in words
