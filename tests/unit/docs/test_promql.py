"""The queries of docs/metrics.md work, and find what they promise."""

import json
import re
from pathlib import Path
from typing import Any

from exporter.metrics import GROUPS
from tests.unit.docs.pages import DOCS, blocks
from tests.unit.docs.promtool import promtool

LABELS_OF_PROMETHEUS = {"job", "instance"}


def queries() -> list[str]:
    (block,) = blocks(DOCS / "metrics.md", "promql")
    lines = "".join(line + "\n" for line in block.splitlines() if line and not line.startswith("#"))
    return [query.strip() for query in re.split(r"\n(?! )", lines) if query]


def test_prometheus_takes_every_query(tmp_path: Path) -> None:
    rules = [{"alert": f"Query{number}", "expr": query} for number, query in enumerate(queries())]
    assert len(rules) > 10
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))  # JSON is YAML
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
