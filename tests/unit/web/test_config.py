"""The ecosystem's web configuration file: good ones are understood, each bad one gets its exact lines."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from exporter.web.config import WebConfig, WebConfigError, load, signature
from tests.unit.web.served import write_certificate

FILES = Path(__file__).parent / "config"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with the certificates that the files name."""
    ca = trustme.CA()
    write_certificate(ca, tmp_path)
    ca.cert_pem.write_to_path(tmp_path / "ca.crt")
    return tmp_path


def copied(folder: Path, name: str) -> Path:
    path = folder / "web.yml"
    path.write_bytes((FILES / name).read_bytes())
    return path


@pytest.mark.parametrize("case", sorted(FILES.glob("*.bad.yml")), ids=lambda path: path.name)
def test_every_mistake_gets_its_line_and_no_secret_is_told(folder: Path, case: Path) -> None:
    path = copied(folder, case.name)
    with pytest.raises(WebConfigError) as caught:
        load(path)
    expected = case.with_suffix(".txt").read_text().replace("FOLDER", str(folder)).splitlines()
    assert list(caught.value.problems) == [f"{path}:{line}" for line in expected]
    assert "topsecret" not in str(caught.value)
    assert "$2y$" not in str(caught.value)


def test_everything_the_format_has_is_understood(folder: Path) -> None:
    config = load(copied(folder, "everything.good.yml"))
    assert config.tls
    assert config.tls.allowed_sans == {"prometheus.example"}
    assert config.headers == {
        "Strict-Transport-Security": "max-age=31536000",
        "X-Frame-Options": "deny",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'self'",
    }
    assert repr(config.users) == "<Users: 2>"
    assert config.rate_limit
    assert (config.rate_limit.interval, config.rate_limit.burst) == (90.5, 20)
    assert config.files == tuple(folder / name for name in ("web.yml", "server.crt", "server.key", "ca.crt"))
    assert config.warnings == ()
    assert "$2y$" not in repr(config)


def test_an_empty_file_is_as_none(folder: Path) -> None:
    path = copied(folder, "empty.good.yml")
    assert load(path) == WebConfig(files=(path,))


def test_users_need_no_tls(folder: Path) -> None:
    config = load(copied(folder, "users_only.good.yml"))
    assert config.tls is None
    assert config.users
    assert config.rate_limit is None


def test_a_warning_names_the_certificate(folder: Path) -> None:
    expired = trustme.CA().issue_cert("localhost", not_after=datetime.now(UTC) - timedelta(days=1))
    expired.private_key_pem.write_to_path(folder / "server.key")
    expired.cert_chain_pems[0].write_to_path(folder / "server.crt")
    path = folder / "web.yml"
    path.write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}")
    (warning,) = load(path).warnings
    assert warning.startswith(f"{path}: the certificate {folder}/server.crt has expired")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"basic_auth_users:\n\talice: topsecret\n", "replace the tab"),
        (b"basic_auth_users: {alice: topsecret\n", "expected"),
        (b"a: \xff\n", "not UTF-8"),
        (b"a: \x00\n", "control character"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line_and_without_its_text(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "web.yml"
    path.write_bytes(content)
    with pytest.raises(WebConfigError, match=words) as caught:
        load(path)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{path}:")
    assert "\n" not in problem
    assert "topsecret" not in problem
    assert caught.value.files == (path,)


SURROGATE = '"\\ud800"'
HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (
            'tls_server_config: {cert_file: server.crt, key_file: "a\\0b"}',
            "tls_server_config.key_file: a character that cannot be printed is in it: remove it",
        ),
        (
            f"tls_server_config: {{client_allowed_sans: [{SURROGATE}]}}",
            "tls_server_config.client_allowed_sans: a character that cannot be printed is in it: remove it",
        ),
        (
            "tls_server_config: {client_ca: é, client_auth_type: RequireAndVerifyClientCert}",
            "tls_server_config.client_ca: expected PEM, which is ASCII text",
        ),
        (
            f"tls_server_config: {{cert: {SURROGATE}}}",
            "tls_server_config.cert: expected PEM, which is ASCII text",
        ),
        (
            f"basic_auth_users: {{alice: {SURROGATE}}}",
            "basic_auth_users.alice: not a bcrypt hash: make one with htpasswd -nBC 10 USER",
        ),
        (
            f"basic_auth_users: {{{SURROGATE}: {HASH}}}",
            r'basic_auth_users."\ud800": a character that cannot be printed is in it: remove it',
        ),
        (
            f"rate_limit: {{interval: 1s, burst: {'9' * 400}}}",
            "rate_limit.burst: expected 1000000 or less",
        ),
        (
            f"rate_limit: {{interval: {'9' * 400}s, burst: 1}}",
            "rate_limit.interval: expected 24h or less",
        ),
    ],
)
def test_values_that_nothing_could_use_get_a_line(folder: Path, content: str, line: str) -> None:
    path = folder / "web.yml"
    path.write_text(content)
    with pytest.raises(WebConfigError) as caught:
        load(path)
    assert f"{path}:1: {line}" in caught.value.problems


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(WebConfigError, match="no such file: check the path"):
        load(tmp_path / "web.yml")


def test_a_bad_file_tells_which_files_to_watch_for_a_remedy(folder: Path) -> None:
    path = folder / "web.yml"
    path.write_text("tls_server_config: {cert_file: server.crt, key_file: later.key}")
    with pytest.raises(WebConfigError) as caught:
        load(path)
    assert caught.value.files == (path, folder / "server.crt", folder / "later.key")


def test_the_signature_changes_with_every_way_to_change_a_file(tmp_path: Path) -> None:
    file, other, link = tmp_path / "file", tmp_path / "other", tmp_path / "link"
    file.write_text("one")
    other.write_text("two")
    link.symlink_to(file)
    seen = [signature([link])]
    assert signature([link]) == seen[0]

    file.write_text("longer")
    seen.append(signature([link]))
    os.utime(file, ns=(0, 0))
    seen.append(signature([link]))
    other.replace(file)
    seen.append(signature([link]))
    file.unlink()
    seen.append(signature([link]))
    assert len(set(seen)) == 5
