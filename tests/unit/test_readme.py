"""README.md agrees with the program; `python -m tests.unit.test_readme` writes its table of metrics anew."""

import argparse
import json
import re
import subprocess  # noqa: TID251 - promtool is a tool of the tests
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from exporter.commands import serve as command_line
from exporter.metrics import GROUPS
from exporter.pgbackrest.client import Client
from exporter.settings import Settings, Threshold
from exporter.settings import file as settings_file
from exporter.web import config as webconfig
from tests.lab.program import find
from tests.standin import Standin

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BEGIN = "<!-- metrics: written by `python -m tests.unit.test_readme` -->\n"
END = "<!-- end of metrics -->\n"
LABELS_OF_PROMETHEUS = {"job", "instance"}


def metrics_table() -> str:
    rows = [
        (
            f"`{metric.family.name}`",
            metric.family.type,
            ", ".join(group.labels) or "–",
            metric.help.replace("|", "\\|"),
        )
        for group in GROUPS
        for metric in group.metrics
    ]
    head = [("metric", "type", "labels", "meaning"), ("---", "---", "---", "---")]
    return "".join(f"| {' | '.join(row)} |\n" for row in [*head, *rows])


def with_table(text: str) -> str:
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, f"{README.name} has lost the line {BEGIN}"
    assert end, f"{README.name} has lost the line {END}"
    return f"{before}{BEGIN}\n{metrics_table()}\n{END}{after}"


def prose() -> str:
    """The text without the generated table."""
    before, _, rest = README.read_text().partition(BEGIN)
    return before + rest.partition(END)[2]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)


def yaml_block_with(*keys: str) -> str:
    """The one block with all of these keys at its top level."""
    (found,) = (block for block in blocks("yaml") if set(keys) <= yaml.safe_load(block).keys())
    return found


def queries() -> list[str]:
    (block,) = blocks("promql")
    lines = "".join(line + "\n" for line in block.splitlines() if line and not line.startswith("#"))
    return [query.strip() for query in re.split(r"\n(?! )", lines) if query]


def flags() -> set[str]:
    parser: argparse.ArgumentParser = command_line._parser()
    return set(re.findall(r"--[a-z][a-z.-]+", parser.format_help()))


def test_the_table_of_metrics_is_that_of_the_code(update_golden: bool) -> None:
    if update_golden:
        README.write_text(with_table(README.read_text()))
    assert with_table(README.read_text()) == README.read_text(), (
        "the table of metrics is an old one: run `python -m tests.unit.test_readme`"
    )


def test_every_metric_that_is_named_exists() -> None:
    known = {metric.family.name for group in GROUPS for metric in group.metrics}
    named = set(re.findall(r"(?<![/\w])pgbackrest_[a-z_]+", prose()))
    assert named
    assert named <= known


def test_every_flag_is_told_and_every_flag_that_is_told_exists() -> None:
    text = prose()
    told = set(re.findall(r"(?<!\w)--(?:config|log|web)\.[a-z-]+(?:\.[a-z-]+)*", text))
    assert told <= flags()
    rows = set(re.findall(r"`(--[a-z.-]+)", "".join(re.findall(r"^\| `--.*$", text, re.MULTILINE))))
    assert rows == flags()


def test_the_settings_are_complete_and_the_defaults(tmp_path: Path) -> None:
    sample = yaml_block_with("pgbackrest", "thresholds", "info", "repository")
    file = tmp_path / "settings.yml"
    file.write_text(sample)
    settings = settings_file.load(file)
    assert replace(settings, stanzas={}, exclude=()) == Settings()
    assert paths(yaml.safe_load(sample)) == paths(yaml.safe_load(settings_file.effective(Settings()))) | {
        "stanzas",
        "exclude",
    }
    assert {field.name for field in fields(Settings)} == yaml.safe_load(sample).keys()


def paths(document: dict[str, Any], below: str = "") -> set[str]:
    """The keys of sections, down to the settings; what is in `stanzas` are examples."""
    found: set[str] = set()
    for key, value in document.items():
        path = f"{below}{key}"
        found |= paths(value, f"{path}.") if isinstance(value, dict) and path != "stanzas" else {path}
    return found


def test_the_example_of_overrides_does_what_its_comments_say(tmp_path: Path) -> None:
    file = tmp_path / "settings.yml"
    file.write_text(yaml_block_with("pgbackrest", "thresholds", "info", "repository"))
    settings = settings_file.load(file)
    assert settings.threshold("full_backup", "archive", 1).warning == 32 * 86400
    assert settings.threshold("backup", "archive", 2) == Threshold()
    assert settings.threshold("backup", "archive", 1) == Settings().thresholds.backup


@pytest.mark.parametrize("program", ["sudo", "ssh", "kubectl"])
def test_each_way_to_reach_pgbackrest_is_good_settings(tmp_path: Path, program: str) -> None:
    (block,) = (each for each in blocks("yaml") if f"command: [{program}," in each)
    file = tmp_path / "settings.yml"
    file.write_text(block)
    settings = settings_file.load(file)
    assert settings.pgbackrest.command[-1] == "pgbackrest"
    assert settings.is_local is (program == "sudo")
    assert list(settings.stanzas) == ["main"]


async def test_the_sudoers_rule_allows_what_is_asked_and_nothing_else(standin: Standin) -> None:
    (block,) = blocks("sudoers")
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


def promtool(*arguments: str) -> None:
    program = find("promtool", "apt-get install prometheus")
    checked = subprocess.run((program, *arguments), text=True, capture_output=True, timeout=30)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_prometheus_takes_the_scrape_configuration(tmp_path: Path) -> None:
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml_block_with("scrape_configs"))
    promtool("check", "config", "--syntax-only", str(file))


def test_prometheus_takes_every_query(tmp_path: Path) -> None:
    rules = [{"alert": f"Query{number}", "expr": query} for number, query in enumerate(queries())]
    assert len(rules) > 10
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "readme", "rules": rules}]}))  # JSON is YAML
    promtool("check", "rules", str(file))


def series(name: str, value: float, **labels: str) -> dict[str, str]:
    listed = {"job": "pgbackrest", "instance": "a"} | labels
    inner = ",".join(f'{key}="{value_}"' for key, value_ in listed.items())
    return {"series": f"{name}{{{inner}}}", "values": f"{value}x5"}


def age(stanza: str, repo: str, backup_type: str, seconds: float) -> dict[str, str]:
    return series("pgbackrest_backup_age_seconds", seconds, stanza=stanza, repo=repo, backup_type=backup_type)


def limit(signal: str, severity: str, seconds: float) -> dict[str, str]:
    labels = {"stanza": "main", "repo": "2", "signal": signal, "severity": severity}
    return series("pgbackrest_threshold_seconds", seconds, **labels)


def test_the_queries_about_ages_find_what_is_wrong_and_nothing_else(tmp_path: Path) -> None:
    """`main` is late in repository 2 alone, `late` everywhere, `gone` has nothing."""
    expected = [series("pgbackrest_stanza_expected", 1, stanza=name) for name in ("main", "late", "gone")]
    listed = [("main", "1"), ("main", "2"), ("late", "1")]
    repos = [series("pgbackrest_repo_ok", 1, stanza=name, repo=repo) for name, repo in listed]
    ages = [
        age("main", "1", "full", 5e5),
        age("main", "1", "incr", 100),
        age("main", "2", "full", 9e5),
        age("main", "2", "diff", 2e5),
        age("late", "1", "full", 9e4),
    ]
    limits = [limit("backup", "critical", 180000), limit("full_backup", "warning", 691200)]
    found = (
        ['pgbackrest_stanza_expected{stanza="late"} 1', 'pgbackrest_stanza_expected{stanza="gone"} 1'],
        ['pgbackrest_repo_ok{stanza="main",repo="2"} 1', 'pgbackrest_repo_ok{stanza="late",repo="1"} 1'],
        ['{stanza="main",repo="2"} 200000'],
        ['{stanza="main",repo="2"} 900000'],
    )
    test = {
        "interval": "1m",
        "input_series": [*expected, *repos, *ages, *limits],
        "promql_expr_test": [
            {"expr": query, "eval_time": "3m", "exp_samples": [sample(line) for line in lines]}
            for query, lines in zip(queries(), found, strict=False)
        ],
    }
    file = tmp_path / "test.yml"
    file.write_text(json.dumps({"rule_files": [], "evaluation_interval": "1m", "tests": [test]}))
    promtool("test", "rules", str(file))


def sample(line: str) -> dict[str, Any]:
    labels, _, value = line.rpartition(" ")
    return {"labels": labels.replace("{", '{job="pgbackrest",instance="a",'), "value": float(value)}


def test_queries_name_only_labels_that_exist() -> None:
    known = LABELS_OF_PROMETHEUS.union(*(group.labels for group in GROUPS))
    for query in queries():
        lists = re.findall(r"\b(?:on|by|without|ignoring)\s*\(([^)]*)\)", query)
        matchers = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", query)
        named = {name.strip() for names in lists for name in names.split(",")} | set(matchers)
        assert named <= known, query


def links() -> Iterator[str]:
    text = README.read_text()
    yield from re.findall(r"\]\(([^)\s]+)\)", text)
    yield from re.findall(r"`((?:alerts|dashboards|deploy|docs|exporter|tests)/[\w./-]+)`", text)


def test_every_link_leads_somewhere() -> None:
    local = [link for link in links() if not link.startswith("https://")]
    assert "docs/status-page.png" in local
    assert [link for link in local if not (ROOT / link).exists()] == []


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^ {4})make ([a-z]+)", prose(), re.MULTILINE)) <= targets


if __name__ == "__main__":
    README.write_text(with_table(README.read_text()))
