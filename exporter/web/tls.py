"""How the exporter speaks TLS: ``tls_server_config`` of the Prometheus ecosystem as a context of Python's ssl.

The keys and their meaning: prometheus/exporter-toolkit, docs/web-configuration.md. What Python's ssl cannot do
is refused with the reason, never half done.
"""

import contextlib
import ipaddress
import os
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_UNVERIFIED = {"RequestClientCert", "RequireAnyClientCert", "RequireClientCert"}
_CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1"}
_TLS13_SUITES = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
# Go's crypto/tls names on the left (tls.CipherSuites()), OpenSSL's on the right (ciphers(1)).
_SUITES = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
}
_REMEDY = "write client_auth_type: RequireAndVerifyClientCert"
_FULL = {"cert": "certificate", "key": "key"}
_EXPIRED, _NOT_YET_VALID = 10, 9  # X509_V_ERR_* of openssl verify(1)


class TlsError(Exception):
    """TLS cannot be set up so; each problem is the key of the section it is about, and what to do in one line."""

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {words}" for key, words in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsServerConfig:
    """The section as it is written; files are absolute here."""

    cert: str | None = None
    key: str | None = field(default=None, repr=False)
    client_ca: str | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    client_ca_file: Path | None = None
    client_auth_type: str = "NoClientCert"
    client_allowed_sans: tuple[str, ...] = ()
    min_version: str = "TLS12"
    max_version: str = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    prefer_server_cipher_suites: bool = True
    curve_preferences: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file the section names."""
        named = (self.cert_file, self.key_file, self.client_ca_file)
        return tuple(file for file in named if file)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """What a connection needs: the context, and the names a client's certificate may have (empty: any)."""

    context: ssl.SSLContext = field(repr=False)
    allowed_sans: frozenset[str] = frozenset()
    warning: str | None = None

    def allows(self, peer_certificate: Mapping[str, Any] | None) -> bool:
        """Tell whether an alternative name of a verified certificate (``getpeercert()``) is allowed."""
        if not self.allowed_sans:
            return True
        names = (peer_certificate or {}).get("subjectAltName", ())
        return any(_san(name) in self.allowed_sans for kind, name in names if kind != "DirName")


def build(config: TlsServerConfig) -> Tls:
    """Make the context, and shake hands with it once in memory; raises TlsError with every problem found."""
    problems = [*_key_pair_problems(config), *_client_problems(config), *_protocol_problems(config)]
    if problems:
        raise TlsError(*problems)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[config.min_version]
    context.maximum_version = _VERSIONS[config.max_version]
    if not config.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if suites := [_SUITES[suite] for suite in config.cipher_suites if suite not in _TLS13_SUITES]:
        context.set_ciphers(":".join(suites))
    for curve in config.curve_preferences:
        context.set_ecdh_curve(_CURVES[curve])
    _load_key_pair(context, config)
    warning = _rehearse(context, config)
    _load_client_ca(context, config)
    context.verify_mode = _CLIENT_AUTH[config.client_auth_type]
    return Tls(
        context=context, allowed_sans=frozenset(map(_san, config.client_allowed_sans)), warning=warning
    )


def _key_pair_problems(config: TlsServerConfig) -> Iterator[tuple[str, str]]:
    for name in ("cert", "key"):
        text, file = getattr(config, name), getattr(config, f"{name}_file")
        if text and file:
            yield name, f"{name}_file is there too: leave one out"
        elif not text and not file:
            yield f"{name}_file", f"is missing: name the PEM file of the server's {_FULL[name]}"
        elif file:
            yield from _unreadable(f"{name}_file", file)


def _client_problems(config: TlsServerConfig) -> Iterator[tuple[str, str]]:
    kind, has_ca = config.client_auth_type, bool(config.client_ca or config.client_ca_file)
    if kind in _UNVERIFIED:
        yield "client_auth_type", f"{kind}: Python's ssl verifies what it asks for: {_REMEDY}"
    elif kind not in _CLIENT_AUTH:
        yield "client_auth_type", f"{kind!r} is none of {', '.join(_CLIENT_AUTH)}"
    elif kind == "NoClientCert" and has_ca:
        yield (
            "client_auth_type",
            f"no client is asked for a certificate, but an authority is given: {_REMEDY}",
        )
    elif kind != "NoClientCert" and not has_ca:
        yield (
            "client_ca_file",
            f"is missing: {kind} needs the PEM file of the authority that signs the clients",
        )
    if config.client_ca and config.client_ca_file:
        yield "client_ca", "client_ca_file is there too: leave one out"
    if config.client_ca_file:
        yield from _unreadable("client_ca_file", config.client_ca_file)
    if config.client_allowed_sans and kind != "RequireAndVerifyClientCert":
        yield "client_allowed_sans", f"needs every client to have a certificate: {_REMEDY}"


def _protocol_problems(config: TlsServerConfig) -> Iterator[tuple[str, str]]:
    for name in ("min_version", "max_version"):
        version = getattr(config, name)
        if version in {"TLS10", "TLS11"}:
            yield name, f"{version} is not spoken any more (RFC 8996): write TLS12 or TLS13"
        elif version not in _VERSIONS:
            yield name, f"{version!r} is none of {', '.join(_VERSIONS)}"
    if (config.min_version, config.max_version) == ("TLS13", "TLS12"):
        yield "min_version", "is above max_version: exchange them"
    for suite in config.cipher_suites:
        if suite not in _SUITES and suite not in _TLS13_SUITES:
            yield "cipher_suites", f"{suite!r} is none of {', '.join(_SUITES)}"
    if (
        config.cipher_suites
        and _TLS13_SUITES.issuperset(config.cipher_suites)
        and config.min_version != "TLS13"
    ):
        yield "cipher_suites", "these are of TLS 1.3 and always on: write min_version: TLS13 instead"
    if any(curve not in _CURVES for curve in config.curve_preferences) or len(config.curve_preferences) > 1:
        yield (
            "curve_preferences",
            f"Python's ssl takes one of {', '.join(_CURVES)}: name one, or leave it out",
        )


def _unreadable(key: str, file: Path) -> Iterator[tuple[str, str]]:
    try:
        file.read_bytes()
    except OSError as error:
        remedy = (
            f"let the user with id {os.geteuid()} read it"
            if isinstance(error, PermissionError)
            else "check the path"
        )
        yield key, f"{file}: {error.strerror}: {remedy}"


def _load_key_pair(context: ssl.SSLContext, config: TlsServerConfig) -> None:
    asked = False

    def password() -> str:
        # Without it OpenSSL would ask on the terminal, and wait.
        nonlocal asked
        asked = True
        return ""

    try:
        with _as_file(config.cert, config.cert_file) as cert, _as_file(config.key, config.key_file) as key:
            context.load_cert_chain(cert, key, password)
    except (OSError, ValueError) as error:
        raise TlsError(_key_pair_problem(config, error, encrypted=asked)) from None


def _key_pair_problem(config: TlsServerConfig, error: Exception, *, encrypted: bool) -> tuple[str, str]:
    cert_name, key_name = _name(config, "cert"), _name(config, "key")
    if encrypted:
        return key_name, "the key is encrypted: give it without a passphrase"
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return key_name, "the key is not the certificate's: give the two that were made together"
    return cert_name, f"the certificate or its key cannot be used ({_words(error)}): both must be PEM"


def _name(config: TlsServerConfig, key: str) -> str:
    return key if getattr(config, key) else f"{key}_file"


@contextlib.contextmanager
def _as_file(text: str | None, file: Path | None) -> Iterator[str]:
    """Give a path to *text*; ssl loads keys from files alone, and this one is never on a disk."""
    if file:
        yield str(file)
        return
    fd = os.memfd_create("pem", os.MFD_CLOEXEC)
    try:
        os.write(fd, (text or "").encode())
        yield f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)


def _load_client_ca(context: ssl.SSLContext, config: TlsServerConfig) -> None:
    try:
        if config.client_ca_file:
            context.load_verify_locations(cafile=config.client_ca_file)
        elif config.client_ca:
            context.load_verify_locations(cadata=config.client_ca)
    except (OSError, ValueError) as error:
        raise TlsError(
            (_name(config, "client_ca"), f"cannot be used ({_words(error)}): it must be PEM")
        ) from None


def _rehearse(context: ssl.SSLContext, config: TlsServerConfig) -> str | None:
    """Shake hands in memory with a client that trusts just this certificate; gives what such a client minds.

    So an expired certificate, and suites that do not suit the key, are told at start and not by every client.
    """
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    with _as_file(config.cert, config.cert_file) as cert:
        client.load_verify_locations(cafile=cert)
    try:
        _shake_hands(client, context)
    except ssl.SSLCertVerificationError as error:
        name = f"the certificate {config.cert_file or 'in cert'}"
        told = {
            _EXPIRED: f"{name} has expired, clients will refuse it: renew it",
            _NOT_YET_VALID: f"{name} is not valid yet, clients will refuse it: check this machine's clock",
        }
        return told.get(error.verify_code) or f"{name} may be refused by clients: {error.verify_message}"
    except ssl.SSLError as error:
        words = f"no handshake comes about with these and this key: {_words(error)}"
        raise TlsError(("cipher_suites" if config.cipher_suites else _name(config, "cert"), words)) from None
    return None


def _shake_hands(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (client.wrap_bio(down, up), server.wrap_bio(up, down, server_side=True))
    for end in ends * 3:
        with contextlib.suppress(ssl.SSLWantReadError):
            end.do_handshake()


def _san(name: str) -> str:
    """Write a name so that two spellings of one IP address are equal."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def _words(error: Exception) -> str:
    """Give OpenSSL's reason in plain words; without one its text is a line of C code."""
    reason = getattr(error, "reason", None)
    return str(reason).lower().replace("_", " ") if reason else "nothing in it is understood"
