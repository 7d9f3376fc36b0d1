"""The examples of docs/running.md and of README.md are good settings, rules and configurations."""

import re
from pathlib import Path

import pytest
import trustme
import yaml

from exporter.pgbackrest.client import Client
from exporter.settings import file as settings_file
from exporter.web import config as webconfig
from tests.standin import Standin
from tests.unit.docs.pages import DOCS, README, blocks
from tests.unit.docs.promtool import promtool

PAGE = DOCS / "running.md"


def yaml_block_with(key: str, page: Path = PAGE) -> str:
    """The one block with this key at its top level."""
    (found,) = (block for block in blocks(page, "yaml") if key in yaml.safe_load(block))
    return found


@pytest.mark.parametrize("program", ["sudo", "ssh", "kubectl"])
def test_each_way_to_reach_pgbackrest_is_good_settings(tmp_path: Path, program: str) -> None:
    (block,) = (each for each in blocks(PAGE, "yaml") if f"command: [{program}," in each)
    file = tmp_path / "settings.yml"
    file.write_text(block)
    settings = settings_file.load(file)
    assert settings.pgbackrest.command[-1] == "pgbackrest"
    assert settings.is_local is (program == "sudo")
    assert list(settings.stanzas) == ["main"]


async def test_the_sudoers_rule_allows_what_is_asked_and_nothing_else(standin: Standin) -> None:
    (block,) = blocks(PAGE, "sudoers")
    (pattern,) = re.findall(r"\^.*\$", block)
    rule = re.compile(pattern.replace("[:alnum:]", "A-Za-z0-9"))
    standin.prints(b"[]\n")
    client = Client(command=(standin.program,))
    await client.info(within=60)
    await client.info(within=3600, stanza="main")
    await client.version(within=60)
    *infos, version = [" ".join(call) for call in standin.calls]
    assert [bool(rule.search(words)) for words in infos] == [True, True]
    assert f"/usr/bin/pgbackrest {version}\n" in block
    for words in (
        "restore --stanza=main",
        f"--config=/srv/other.conf {infos[0]}",
        f"{infos[1]} --cmd-ssh=/srv/x",
    ):
        assert not rule.search(words)


def test_the_web_configuration_is_good(tmp_path: Path) -> None:
    sample = yaml_block_with("tls_server_config")
    tls = yaml.safe_load(sample)["tls_server_config"]
    certificate = trustme.CA().issue_cert("repo-host")
    certificate.private_key_pem.write_to_path(str(tmp_path / tls["key_file"]))
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / tls["cert_file"]))
    file = tmp_path / "web.yml"
    file.write_text(sample)
    loaded = webconfig.load(file)
    assert loaded.tls is not None
    assert loaded.users is not None


@pytest.mark.parametrize("page", [PAGE, README, DOCS / "migration.md"], ids=lambda page: page.name)
def test_prometheus_takes_the_scrape_configuration(tmp_path: Path, page: Path) -> None:
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml_block_with("scrape_configs", page))
    promtool("check", "config", "--syntax-only", str(file))
