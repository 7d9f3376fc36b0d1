"""Real certificates, real handshakes in memory, and what cannot be is refused with the reason."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from exporter.web import tls
from exporter.web.tls import Tls, TlsError, TlsServerConfig
from tests.unit.web.served import trusting, write_certificate


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def files(ca: trustme.CA, tmp_path: Path) -> dict[str, Any]:
    write_certificate(ca, tmp_path)
    ca.cert_pem.write_to_path(tmp_path / "ca.crt")
    return {"cert_file": tmp_path / "server.crt", "key_file": tmp_path / "server.key"}


def build(**section: Any) -> Tls:
    return tls.build(TlsServerConfig(**section))


def handshake(server: Tls, client: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Shake hands in memory; raises what either side raises."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = client.wrap_bio(down, up), server.context.wrap_bio(up, down, server_side=True)
    for end in ends * 3:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return ends


def problems(**section: Any) -> dict[str, str]:
    with pytest.raises(TlsError) as caught:
        build(**section)
    assert "\n" not in str(caught.value)
    return dict(caught.value.problems)


def test_a_key_pair_serves_tls_1_3_by_default(ca: trustme.CA, files: dict[str, Any]) -> None:
    server = build(**files)
    client, _ = handshake(server, trusting(ca))
    assert client.version() == "TLSv1.3"
    assert server.warning is None


def test_certificate_and_key_may_stand_in_the_file(ca: trustme.CA, files: dict[str, Any]) -> None:
    server = build(cert=files["cert_file"].read_text(), key=files["key_file"].read_text())
    handshake(server, trusting(ca))


def test_versions_suites_and_curve_are_those_asked_for(ca: trustme.CA, files: dict[str, Any]) -> None:
    suites = ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384")
    server = build(
        **files,
        max_version="TLS12",
        cipher_suites=suites,
        prefer_server_cipher_suites=False,
        curve_preferences=("CurveP256",),
    )
    client, _ = handshake(server, trusting(ca))
    cipher = client.cipher()
    assert client.version() == "TLSv1.2"
    assert cipher
    assert cipher[0] in {"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"}


def test_suites_of_tls_1_3_alone_are_taken_where_nothing_else_is_spoken(files: dict[str, Any]) -> None:
    build(**files, cipher_suites=("TLS_AES_128_GCM_SHA256",), min_version="TLS13")


def test_an_old_client_is_refused_where_tls_1_3_is_the_least(ca: trustme.CA, files: dict[str, Any]) -> None:
    client = trusting(ca)
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        handshake(build(**files, min_version="TLS13"), client)


@pytest.mark.parametrize("inline", [False, True])
def test_a_client_must_show_a_certificate_of_the_authority(
    ca: trustme.CA, files: dict[str, Any], tmp_path: Path, inline: bool
) -> None:
    authority = (
        {"client_ca": ca.cert_pem.bytes().decode()} if inline else {"client_ca_file": tmp_path / "ca.crt"}
    )
    server = build(**files, **authority, client_auth_type="RequireAndVerifyClientCert")
    with pytest.raises(ssl.SSLError, match=r"(?i)peer did not return a certificate"):
        handshake(server, trusting(ca))
    stranger = trusting(ca)
    trustme.CA().issue_cert("prometheus").configure_cert(stranger)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, stranger)
    known = trusting(ca)
    ca.issue_cert("prometheus").configure_cert(known)
    handshake(server, known)


def test_a_certificate_may_be_optional(ca: trustme.CA, files: dict[str, Any], tmp_path: Path) -> None:
    server = build(**files, client_ca_file=tmp_path / "ca.crt", client_auth_type="VerifyClientCertIfGiven")
    handshake(server, trusting(ca))
    stranger = trusting(ca)
    trustme.CA().issue_cert("prometheus").configure_cert(stranger)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, stranger)


@pytest.mark.parametrize(
    ("names", "allowed"),
    [
        (("prometheus.example",), True),
        (("other.example", "me@example.org"), True),
        (("2001:db8::1",), True),
        (("192.0.2.7",), True),
        (("other.example",), False),
    ],
)
def test_a_client_needs_one_of_the_allowed_names(
    ca: trustme.CA, files: dict[str, Any], tmp_path: Path, names: tuple[str, ...], allowed: bool
) -> None:
    server = build(
        **files,
        client_ca_file=tmp_path / "ca.crt",
        client_auth_type="RequireAndVerifyClientCert",
        client_allowed_sans=("prometheus.example", "me@example.org", "2001:DB8:0::1", "192.0.2.7"),
    )
    client = trusting(ca)
    ca.issue_cert(*names).configure_cert(client)
    _, accepted = handshake(server, client)
    assert server.allows(accepted.getpeercert()) is allowed
    assert not server.allows(None)


def test_an_expired_certificate_is_served_with_a_warning(ca: trustme.CA, tmp_path: Path) -> None:
    expired = ca.issue_cert("localhost", not_after=datetime.now(UTC) - timedelta(days=1))
    expired.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    built = build(cert_file=tmp_path / "both.pem", key_file=tmp_path / "both.pem")
    assert built.warning
    assert "has expired, clients will refuse it: renew it" in built.warning


def test_a_certificate_of_the_future_is_served_with_a_warning(ca: trustme.CA, tmp_path: Path) -> None:
    future = ca.issue_cert("localhost", not_before=datetime.now(UTC) + timedelta(days=1))
    future.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    built = build(cert_file=tmp_path / "both.pem", key_file=tmp_path / "both.pem")
    assert built.warning
    assert "not valid yet" in built.warning


def test_a_key_of_another_certificate_is_refused(ca: trustme.CA, files: dict[str, Any]) -> None:
    ca.issue_cert("other").private_key_pem.write_to_path(files["key_file"])
    assert "is not the certificate's" in problems(**files)["key_file"]


def test_an_encrypted_key_is_refused_and_nobody_is_asked(files: dict[str, Any]) -> None:
    key = serialization.load_pem_private_key(files["key_file"].read_bytes(), None)
    files["key_file"].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    assert "without a passphrase" in problems(**files)["key_file"]


@pytest.mark.parametrize(
    "content", ["", "no PEM", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"]
)
def test_a_file_that_is_no_certificate_is_refused(files: dict[str, Any], content: str) -> None:
    files["cert_file"].write_text(content)
    assert "must be PEM" in problems(**files)["cert_file"]


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    found = problems(cert_file=tmp_path, key_file=tmp_path / "missing")
    assert "Is a directory" in found["cert_file"]
    assert "No such file" in found["key_file"]


def test_suites_that_do_not_suit_the_key_are_refused(files: dict[str, Any]) -> None:
    is_ec = "EC" in files["key_file"].read_text().splitlines()[0]
    suite = f"TLS_ECDHE_{'RSA' if is_ec else 'ECDSA'}_WITH_AES_128_GCM_SHA256"
    assert (
        "no shared cipher" in problems(**files, max_version="TLS12", cipher_suites=(suite,))["cipher_suites"]
    )


@pytest.mark.parametrize(
    ("section", "key", "words"),
    [
        ({"key_file": None}, "key_file", "is missing"),
        ({"cert": "x"}, "cert", "cert_file is there too"),
        ({"client_auth_type": "RequireAnyClientCert"}, "client_auth_type", "RequireAndVerifyClientCert"),
        ({"client_auth_type": "RequestClientCert"}, "client_auth_type", "verifies what it asks for"),
        ({"client_auth_type": "Sometimes"}, "client_auth_type", "is none of NoClientCert"),
        ({"client_auth_type": "RequireAndVerifyClientCert"}, "client_ca_file", "is missing"),
        ({"client_ca": "x"}, "client_auth_type", "no client is asked"),
        ({"client_ca_file": Path("/no/ca")}, "client_ca_file", "No such file"),
        ({"client_ca": "x", "client_ca_file": Path("/no/ca")}, "client_ca", "leave one out"),
        ({"client_ca": "x", "client_auth_type": "VerifyClientCertIfGiven"}, "client_ca", "must be PEM"),
        ({"client_allowed_sans": ("x",)}, "client_allowed_sans", "needs every client"),
        ({"min_version": "TLS10"}, "min_version", "RFC 8996"),
        ({"max_version": "SSL3"}, "max_version", "is none of TLS12, TLS13"),
        ({"min_version": "TLS13", "max_version": "TLS12"}, "min_version", "above max_version"),
        ({"cipher_suites": ("RC4",)}, "cipher_suites", "is none of TLS_ECDHE"),
        ({"cipher_suites": ("TLS_AES_128_GCM_SHA256",)}, "cipher_suites", "write min_version: TLS13"),
        ({"curve_preferences": ("X25519",)}, "curve_preferences", "CurveP256, CurveP384, CurveP521"),
        ({"curve_preferences": ("CurveP256", "CurveP384")}, "curve_preferences", "name one"),
    ],
)
def test_what_cannot_be_is_refused_with_the_key_and_the_remedy(
    files: dict[str, Any], section: dict[str, Any], key: str, words: str
) -> None:
    assert words in problems(**{**files, **section})[key]


def test_all_problems_are_told_at_once() -> None:
    assert problems(min_version="x", client_auth_type="y").keys() == {
        "cert_file",
        "key_file",
        "client_auth_type",
        "min_version",
    }


def test_the_key_is_in_no_repr() -> None:
    assert "topsecret" not in repr(TlsServerConfig(key="topsecret"))
