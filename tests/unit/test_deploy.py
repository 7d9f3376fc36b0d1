"""The files that users copy are good ones."""

import re
from pathlib import Path

import pytest
import yaml

from exporter.pgbackrest.conf import read
from exporter.settings.file import load

FOLDER = Path(__file__).parents[2] / "deploy" / "patroni"


@pytest.mark.parametrize("host", ["node", "repository"])
def test_the_exporter_takes_its_settings(host: str) -> None:
    settings = load(FOLDER / host / "exporter.yml")
    assert settings.repository.enabled is (host == "repository"), "one host alone lists the repositories"


def test_the_exporter_of_the_repository_host_knows_all_nodes() -> None:
    stanza = load(FOLDER / "repository" / "exporter.yml").stanzas["main"]
    assert stanza.patroni == tuple(f"http://pg{number}:8008" for number in (1, 2, 3))
    assert stanza.postgresql is not None
    assert "host=pg1,pg2,pg3 " in stanza.postgresql


def test_pgbackrest_s_configurations_have_the_same_stanza() -> None:
    node, repository = (
        read(str(FOLDER / host / "pgbackrest.conf"), None, {}) for host in ("node", "repository")
    )
    assert node.stanzas == repository.stanzas == ("main",)
    assert repository.repository_types("main") == {1: "posix", 2: "s3"}
    assert node.repository_types("main") == {}, "they are on the other host"


def test_every_node_archives_with_one_command_into_the_stanza() -> None:
    patroni = yaml.safe_load((FOLDER / "node" / "patroni.yml").read_text())
    assert patroni["scope"] == "main"
    everywhere = patroni["bootstrap"]["dcs"]["postgresql"]
    assert everywhere["parameters"]["archive_mode"] == "on"
    assert everywhere["parameters"]["archive_command"] == "pgbackrest --stanza=main archive-push %p"
    assert patroni["postgresql"]["create_replica_methods"] == ["pgbackrest", "basebackup"]


def test_the_guide_leads_to_every_file() -> None:
    links = set(re.findall(r"\]\(((?:node|repository)/[\w.]+)\)", (FOLDER / "README.md").read_text()))
    files = {str(path.relative_to(FOLDER)) for path in FOLDER.glob("*/*")}
    assert links == files
