"""What the end-to-end tests share: a lab with one backed-up stanza, exporters on it, Prometheus."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest
import trustme

from tests.e2e.prometheus import Prometheus
from tests.lab.exporter import Exporter
from tests.lab.lab import Lab
from tests.lab.stanza import Stanza

SETTINGS = {"info": {"every": "1s"}}
USER, PASSWORD = "prometheus", "not the same as any other"


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="session")
def demo(lab: Lab) -> Stanza:
    """Three backups in repository 1, one in the encrypted repository 2, WAL in both."""
    stanza = lab.stanza("demo")
    for backup_type in ("full", "diff", "incr"):
        stanza.write(5_000)
        stanza.backup(backup_type)
    stanza.backup("full", repo=2)
    stanza.switch_wal()
    return stanza


@pytest.fixture(scope="session")
def exporter(lab: Lab, demo: Stanza) -> Iterator[Exporter]:  # noqa: ARG001 - the stanza must be there
    with Exporter(lab, settings=SETTINGS) as exporter:
        yield exporter


@pytest.fixture(scope="session")
def authority(lab: Lab) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(lab.path / "ca.pem"))
    return authority


@pytest.fixture(scope="session")
def trust(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(scope="session")
def web_config(lab: Lab, authority: trustme.CA) -> Path:
    """A --web.config.file with TLS and one user."""
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(str(lab.path / "key.pem"))
    for number, blob in enumerate(certificate.cert_chain_pems):
        blob.write_to_path(str(lab.path / "certificate.pem"), append=number > 0)
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    file = lab.path / "web.yml"
    file.write_text(
        f"tls_server_config:\n  cert_file: {lab.path}/certificate.pem\n  key_file: {lab.path}/key.pem\n"
        f"basic_auth_users:\n  {USER}: {hashed}\n"
    )
    return file


@pytest.fixture(scope="session")
def secured(lab: Lab, exporter: Exporter, web_config: Path, trust: ssl.SSLContext) -> Iterator[Exporter]:
    """A second exporter on the same lab, behind TLS and a password."""
    arguments = ("--web.config.file", str(web_config))
    with Exporter(
        lab,
        settings=SETTINGS,
        arguments=arguments,
        port=exporter.port + 1,
        tls=trust,
        credentials=(USER, PASSWORD),
    ) as secured:
        yield secured


@pytest.fixture(scope="session")
def prometheus(lab: Lab, exporter: Exporter, secured: Exporter) -> Iterator[Prometheus]:
    """Scrapes the open exporter as job "open" and the other as job "secured"."""
    (lab.path / "password").write_text(PASSWORD)
    jobs = (
        {"job_name": "open", "static_configs": [{"targets": [f"127.0.0.1:{exporter.port}"]}]},
        {
            "job_name": "secured",
            "scheme": "https",
            "tls_config": {"ca_file": str(lab.path / "ca.pem")},
            "basic_auth": {"username": USER, "password_file": str(lab.path / "password")},
            "static_configs": [{"targets": [f"localhost:{secured.port}"]}],
        },
    )
    with Prometheus(lab, jobs) as prometheus:
        yield prometheus
