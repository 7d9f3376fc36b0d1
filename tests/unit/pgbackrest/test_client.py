"""The client, shown with the stand-in and with what real pgBackRests have printed."""

import asyncio
import logging
import sys
from pathlib import Path

import pytest

from exporter.pgbackrest.client import Client
from exporter.pgbackrest.words import PgBackRestError
from exporter.programs.process import NotStarted, TimedOut
from tests.standin import Standin

CORPUS = Path(__file__).parents[2] / "corpus"
GOLDEN = Path(__file__).with_name("errors.golden.txt")
ERRORS = sorted(CORPUS.glob("*/errors/*.meta"))
QUIET = ["--log-level-console=off", "--log-level-stderr=error", "--log-level-file=off"]


def read(meta: Path, stream: str) -> bytes:
    file = meta.with_suffix(f".{stream}.txt")
    return file.read_bytes() if file.exists() else b""


def exit_code(meta: Path) -> int:
    return int(dict(line.split(": ", 1) for line in meta.read_text().splitlines() if line)["exit"])


async def error_of(client: Client) -> PgBackRestError:
    with pytest.raises(PgBackRestError) as caught:
        await client.info(within=10)
    assert str(caught.value).isprintable()
    return caught.value


def golden() -> dict[str, str]:
    return dict(line.split(" | ", 1) for line in GOLDEN.read_text().splitlines())


@pytest.mark.parametrize("meta", ERRORS, ids=lambda meta: f"{meta.parent.parent.name}/{meta.stem}")
async def test_what_pgbackrest_says_becomes_one_line(
    meta: Path, update_golden: bool, standin: Standin
) -> None:
    standin.behaves(f"exit {exit_code(meta)}", read(meta, "stdout"), read(meta, "stderr"))
    error = await error_of(Client())
    assert error.code == exit_code(meta)
    assert error.name
    case = f"{meta.parent.parent.name}/{meta.stem}"
    if update_golden:
        lines = sorted((golden() | {case: str(error)}).items())
        GOLDEN.write_text("".join(f"{case} | {words}\n" for case, words in lines))
    assert str(error) == golden()[case]


def test_every_golden_line_belongs_to_a_file() -> None:
    assert sorted(golden()) == sorted(f"{meta.parent.parent.name}/{meta.stem}" for meta in ERRORS)


SUDOERS = "allow it in sudoers, with NOPASSWD for the exporter's user"
TERMINAL = "sudo: a terminal is required to read the password; either use the -S option"
NO_NEW = 'sudo: The "no new privileges" flag is set, which prevents sudo from running as root'
COLOURED = (
    b"\033[31mERROR\033[0m: [041]: cannot open \377\001\302\205file\n         '/x': Permission denied\n"
)


@pytest.mark.parametrize(
    ("code", "stderr", "words", "remedy"),
    [
        (1, b"sudo: a password is required\n", "exit code 1: sudo: a password is required", SUDOERS),
        (1, f"\nThe lecture.\n\n{TERMINAL}\n".encode(), f"exit code 1: The lecture; {TERMINAL}", SUDOERS),
        (1, f"{NO_NEW}.\n".encode(), f"exit code 1: {NO_NEW}", "sudo needs NoNewPrivileges=no, or "),
        (126, b"sh: 1: x: Permission denied\n", "exit code 126: sh: 1: x: Permission denied", "let it be "),
        (127, b"bash: x: command not found\n", "exit code 127: bash: x: command not found", "install it there, or"),
        (137, b"exit code 137\n", "killed by SIGKILL: exit code 137", "if nobody did it, memory ran out: "),
        (255, b"Host key bad.\r\n", "exit code 255: Host key bad", "see that pgbackrest.command works by hand, "),
        (3, b"", "exit code 3: []", None),
        (63, b"terminated\n", "error 63 (term): terminated", None),
        (41, COLOURED, "error 41 (file-open): cannot open \ufffd file; '/x': Permission denied", "run it as "),
        (95, b"ERROR: [095]: " + b"x" * 9999, f"error 95 (crypto): {'x' * 599}\u2026", "see that repo-cipher-type "),
    ],
)  # fmt: skip
async def test_other_endings_are_named_too(
    code: int, stderr: bytes, words: str, remedy: str | None, standin: Standin
) -> None:
    standin.behaves(f"exit {code}", b"[]", stderr)
    before, dash, after = str(await error_of(Client())).partition(" - ")
    assert before == f"pgbackrest info: {words}"
    assert bool(dash) == bool(remedy)
    assert after.startswith(remedy or "")


async def test_a_crash_names_the_signal(standin: Standin) -> None:
    standin.behaves("crash")
    error = await error_of(Client())
    assert (str(error), error.code, error.name) == ("pgbackrest info: killed by SIGSEGV", -11, None)


async def test_the_words_on_the_command_line(standin: Standin) -> None:
    client = Client(config="/etc/my pgbackrest.conf", config_include_path="/etc/conf.d")
    await client.info(within=60)
    await client.info(within=60, stanza="main-1")
    await client.version(within=60)
    config = ["--config=/etc/my pgbackrest.conf", "--config-include-path=/etc/conf.d"]
    words = [*config, *QUIET, "--io-timeout=6", "--protocol-timeout=10", "info", "--output=json"]
    assert standin.calls == [words, [*words, "--stanza=main-1"], ["version"]]


@pytest.mark.parametrize(
    ("within", "io", "protocol"), [(0.5, 1, 1), (15, 1, 2), (600, 60, 100), (90000, 3600, 3600)]
)
async def test_pgbackrest_gives_up_before_we_do(
    within: float, io: int, protocol: int, standin: Standin
) -> None:
    await Client().info(within=within)
    assert standin.calls[0][3:5] == [f"--io-timeout={io}", f"--protocol-timeout={protocol}"]


async def test_a_prefix_stands_in_front(standin: Standin) -> None:
    await Client(command=("env", "--", "pgbackrest")).info(within=10)
    assert standin.calls == [[*QUIET, "--io-timeout=1", "--protocol-timeout=1", "info", "--output=json"]]


async def test_the_shell_behind_ssh_takes_words_for_words(standin: Standin, tmp_path: Path) -> None:
    # As sshd does it: the words are joined by blanks and given to the user's shell.
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nshift\nexec sh -c "$*"\n')
    ssh.chmod(0o755)
    path = "/etc/it's $HOME/; exit 9 #/*.conf"
    await Client(command=(str(ssh), "repo-host", "pgbackrest"), config=path).info(within=10, stanza="main")
    assert standin.calls[0][0] == f"--config={path}"
    assert standin.calls[0][-1] == "--stanza=main"


@pytest.mark.parametrize("stanza", ["", ".", "..", "a/b", "a b", "a;b", "a'b", "$(a)", "a\nb", "main\n"])
async def test_a_strange_stanza_is_not_asked_for(stanza: str, standin: Standin) -> None:
    with pytest.raises(PgBackRestError) as caught:
        await Client().info(within=10, stanza=stanza)
    assert str(caught.value) == (
        f"stanza {stanza!r}: not asked for, a name is made of letters, digits and .+@:=,_-"
    )
    assert standin.calls == []


async def test_the_document_of_a_stanza(standin: Standin) -> None:
    standin.prints(b'[{"name":"main"}]', stanza="main")
    assert await Client().info(within=10, stanza="main") == b'[{"name":"main"}]'
    assert b'"name":"other"' in await Client().info(within=10, stanza="other")
    assert await Client().info(within=10) == b"[]"


@pytest.mark.parametrize("file", sorted(CORPUS.glob("*/other/warn_*.stdout.txt")), ids=lambda file: file.stem)
async def test_lines_in_front_are_cut_off_and_logged_once(
    file: Path, standin: Standin, caplog: pytest.LogCaptureFixture
) -> None:
    warning, _, document = file.read_bytes().partition(b"\n")
    standin.prints(file.read_bytes())
    client = Client()
    assert await client.info(within=10) == document
    assert await client.info(within=10) == document
    told = "pgbackrest: " + warning.decode().removeprefix("P00   WARN: ")
    assert caplog.record_tuples == [("exporter.pgbackrest.client", logging.WARNING, told)]


@pytest.mark.parametrize("file", sorted(CORPUS.glob("2.45/warn_*.stderr.txt")), ids=lambda file: file.stem)
async def test_warnings_on_stderr_are_logged_once(
    file: Path, standin: Standin, caplog: pytest.LogCaptureFixture
) -> None:
    standin.behaves("exit 0", b"[]", file.read_bytes())
    client = Client()
    for _ in range(2):
        assert await client.info(within=10) == b"[]"
    lines = [line.removeprefix("WARN: ") for line in file.read_text().splitlines()]
    assert [record.getMessage() for record in caplog.records] == [f"pgbackrest: {line}" for line in lines]


async def test_endless_different_warnings_do_not_fill_the_memory(
    standin: Standin, caplog: pytest.LogCaptureFixture
) -> None:
    standin.behaves("exit 0", b"[]", b"".join(b"banner %d\n" % number for number in range(1000)))
    await Client().info(within=10)
    assert len(caplog.records) == 256


async def test_a_document_comes_as_it_is(standin: Standin, caplog: pytest.LogCaptureFixture) -> None:
    for document in (b'[{"a":"\xff\x01"}]', b"[\n[", b"[]\n", b"["):
        standin.prints(document)
        assert await Client().info(within=10) == document
    assert caplog.records == []


@pytest.mark.parametrize(
    ("behaviour", "printed"),
    [("silent", "nothing"), ("garbage", "no JSON but 'no JSON �� at all'")],
)
async def test_no_document_is_an_error(behaviour: str, printed: str, standin: Standin) -> None:
    standin.behaves(behaviour)
    prefix = "see that pgbackrest.command holds the program and what runs it, nothing more"
    assert str(await error_of(Client())) == f"pgbackrest info: printed {printed}, exit code 0: {prefix}"


async def test_half_a_document_is_left_to_the_decoder(standin: Standin) -> None:
    standin.prints(b'[{"name":"main"}]')
    standin.behaves("half")
    assert await Client().info(within=10) == b'[{"name"'


async def test_the_version_is_found(standin: Standin) -> None:
    assert await Client().version(within=10) == "2.59.1"
    (standin.folder / "version").write_text("2.60dev\n")
    assert await Client().version(within=10) == "2.60dev"
    standin.behaves("exit 0", b"Last login: today\npgBackRest 2.45\n")
    assert await Client().version(within=10) == "2.45"


async def test_no_version_is_an_error(standin: Standin) -> None:
    standin.behaves("exit 0", b"2059001")
    with pytest.raises(PgBackRestError, match=r"^pgbackrest version: printed '2059001': see that"):
        await Client().version(within=10)


async def test_a_missing_program_names_the_setting() -> None:
    error = await error_of(Client(command=("/no/pgbackrest",)))
    assert str(error) == (
        "/no/pgbackrest: no such file: install it or correct the command (setting pgbackrest.command)"
    )
    assert (error.code, error.name) == (None, None)
    assert isinstance(error.__cause__, NotStarted)


async def test_a_hanging_pgbackrest_says_what_to_look_at(standin: Standin) -> None:
    standin.behaves("hang")
    with pytest.raises(PgBackRestError) as caught:
        await Client().info(within=0.2)
    assert str(caught.value) == (
        "pgbackrest: did not finish within 0.2 s and was ended: see whether every repository answers, or raise within"
    )
    assert isinstance(caught.value.__cause__, TimedOut)
    assert not standin.running


async def test_a_cancelled_call_leaves_nothing(standin: Standin) -> None:
    standin.behaves("hang-ignoring-term")
    task = asyncio.create_task(Client().info(within=60))
    async with asyncio.timeout(10):
        while len(standin.pids) < 2:
            await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not standin.running


PRINTS_ENVIRONMENT = (sys.executable, "-c", "import json, os; print(json.dumps([dict(os.environ)]))")


async def test_the_environment_cannot_change_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGBACKREST_REPO1_CIPHER_PASS", "open sesame")
    monkeypatch.setenv("PGBACKREST_CONFIG", "/my.conf")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    for option in (
        "STANZA",
        "REPO",
        "SET",
        "OUTPUT",
        "TYPE",
        "DETAIL_LEVEL",
        "LOG_LEVEL_CONSOLE",
        "IO_TIMEOUT",
    ):
        monkeypatch.setenv(f"PGBACKREST_{option}", "2")
    document = (await Client(command=PRINTS_ENVIRONMENT).info(within=10)).decode()
    assert '"PGBACKREST_REPO1_CIPHER_PASS": "open sesame"' in document
    assert '"PGBACKREST_CONFIG": "/my.conf"' in document
    assert '"LC_ALL": "C"' in document
    assert document.count('"PGBACKREST_') == 2


async def test_secrets_do_not_get_into_an_error(standin: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGBACKREST_REPO1_CIPHER_PASS", "open sesame")
    monkeypatch.setenv("PGBACKREST_REPO1_HOST_KEY_FILE", "/etc/key")
    standin.behaves("exit 32", stderr=b"ERROR: [032]: 'open sesame' and '/etc/key' are no good")
    assert "'<redacted>' and '/etc/key' are no good" in str(await error_of(Client()))
    standin.behaves(
        "exit 29", stderr=b"ERROR: [029]: missing '=' in key/value at line 3: repo1-s3-key hunter2"
    )
    assert str(await error_of(Client())).startswith(
        "pgbackrest info: error 29 (format): missing '=' in key/value at line 3 - correct pgbackrest.conf"
    )


def test_nothing_of_the_environment_is_in_its_representation() -> None:
    assert repr(Client()) == "Client(command=('pgbackrest',), config=None, config_include_path=None)"


def test_the_stand_in_without_a_folder_says_so(standin: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STANDIN_DIR")
    with pytest.raises(PgBackRestError, match="stand-in pgbackrest: set STANDIN_DIR to the folder"):
        asyncio.run(Client(command=(standin.program,)).info(within=10))


LISTING = b'{".":{"type":"path"},"15-1":{"type":"path"}}\n'


async def listed(client: Client) -> bytes:
    pieces: list[bytes] = []
    await client.repo_ls("archive/demo", pieces.append, within=10, repo=2, stanza="demo")
    return b"".join(pieces)


async def test_a_listing_is_handed_on_as_it_is_printed(standin: Standin) -> None:
    standin.lists("archive/demo", LISTING, repo=2)
    assert await listed(Client()) == LISTING
    assert standin.calls[0][-5:] == ["repo-ls", "--stanza=demo", "--output=json", "--repo=2", "archive/demo"]


async def test_a_path_that_is_not_there_is_an_empty_listing(standin: Standin) -> None:  # noqa: ARG001
    assert await listed(Client()) == b'{".":{"type":"path"}}\n'


async def test_lines_in_front_of_a_listing_are_told_once_and_cut_off(
    standin: Standin, caplog: pytest.LogCaptureFixture
) -> None:
    standin.lists("archive/demo", LISTING, repo=2)
    standin.behaves("warn")
    client = Client()
    assert [await listed(client) for _ in range(2)] == [LISTING, LISTING]
    told = [record.getMessage() for record in caplog.records if "invalid option" in record.getMessage()]
    assert told == ["pgbackrest: configuration file contains invalid option 'bogus-option'"]


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("garbage", "pgbackrest repo-ls: printed no JSON but 'no JSON"),
        ("silent", "pgbackrest repo-ls: printed nothing, exit code 0: see that "),
        ("crash", "pgbackrest repo-ls: killed by SIGSEGV"),
    ],
)
async def test_a_listing_that_fails_says_so(standin: Standin, behaviour: str, words: str) -> None:
    standin.behaves(behaviour)
    with pytest.raises(PgBackRestError) as caught:
        await listed(Client())
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize("case", ["repo_ls_perm_denied", "repo_ls_s3_dns_failure"])
async def test_a_genuine_failure_to_list_is_one_line(standin: Standin, case: str) -> None:
    meta = CORPUS / "2.59.1" / "errors" / f"{case}.meta"
    standin.behaves(f"exit {exit_code(meta)}", LISTING[:20] + b"\n" + read(meta, "stdout"))
    with pytest.raises(PgBackRestError) as caught:
        await listed(Client())
    assert str(caught.value).startswith(f"pgbackrest repo-ls: error {exit_code(meta)} (")
    assert str(caught.value).isprintable()


async def test_a_small_file_is_fetched(standin: Standin) -> None:
    standin.holds("archive/demo/15-1/00000002.history", b"1\t0/5000000\tno reason\n")
    path = "archive/demo/15-1/00000002.history"
    assert await Client().repo_get(path, within=10, repo=1, stanza="demo") == b"1\t0/5000000\tno reason\n"
    with pytest.raises(PgBackRestError) as caught:
        await Client().repo_get(f"{path}.not", within=10, repo=1, stanza="demo")
    assert caught.value.name == "file-missing"


async def test_a_stanza_of_a_strange_name_is_not_listed(standin: Standin) -> None:
    with pytest.raises(PgBackRestError, match="not asked for"):
        await Client().repo_get("archive/x", within=10, repo=1, stanza="a b")
    assert standin.calls == []
