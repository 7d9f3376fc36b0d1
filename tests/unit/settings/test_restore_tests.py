"""The section restore_tests: what is understood, what is refused, and that it is written as it is read."""

from pathlib import Path

import pytest

from exporter.settings.file import SettingsError, effective, load
from exporter.settings.restore_tests import Query, RestoreTests

EVERYTHING = """
restore_tests:
  every: 30s
  records: /srv/records
  history: 7
  targets: [immediate, random, latest]
  repos: [2, 1]
  to: /scratch
  allow_repository_filesystem: true
  keep_free: 10GiB
  user: admin
  binaries: {15: /opt/pg15/bin, "16": /opt/pg16/bin}
  process_max: 4
  nice: 19
  shared_buffers: 1GiB
  shared_preload_libraries: [pg_stat_statements, rmgr]
  canary: true
  canary_within: 10m
  replay_within: 2d
  stalled_after: 30m
  read: full
  tables_within: 30m
  sample_above: 2TB
  amcheck: off
  amcheck_within: 1h
  checksums_within: 3h
  queries:
    - {name: orders, database: shop, query: "select count(*) from orders", at_least: 1000, within: 1m}
    - {name: currency, stanza: main, query: select currency from settings, expected: EUR}
    - {name: answer, query: select 42, expected: 42}
  hook: [/usr/local/bin/tell, --loudly]
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "settings.yml"
    path.write_text(text)
    return path


def test_every_setting_is_understood(tmp_path: Path) -> None:
    section = load(written(tmp_path, EVERYTHING)).restore_tests
    assert section == RestoreTests(
        every=30.0, records="/srv/records", history=7, targets=("immediate", "random", "latest"), repos=(2, 1),
        to="/scratch", allow_repository_filesystem=True, keep_free=10 << 30, user="admin",
        binaries={"15": "/opt/pg15/bin", "16": "/opt/pg16/bin"}, process_max=4, nice=19, shared_buffers=1 << 30,
        shared_preload_libraries=("pg_stat_statements", "rmgr"), canary=True, canary_within=600.0,
        replay_within=172800.0, stalled_after=1800.0, read="full", tables_within=1800.0, sample_above=2e12,
        amcheck="off", amcheck_within=3600.0, checksums_within=10800.0,
        queries=(
            Query(name="orders", database="shop", query="select count(*) from orders", at_least=1000, within=60.0),
            Query(name="currency", stanza="main", query="select currency from settings", expected="EUR"),
            Query(name="answer", query="select 42", expected="42"),
        ),
        hook=("/usr/local/bin/tell", "--loudly"),
    )  # fmt: skip


def test_what_is_written_is_read_back_equal(tmp_path: Path) -> None:
    settings = load(written(tmp_path, EVERYTHING))
    assert load(written(tmp_path, effective(settings))) == settings


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("targets: [yesterday]", 'expected one of latest, immediate, random, not "yesterday"'),
        ("repos: [0]", "0 is not a whole number from 1 up"),
        ("history: 0", "0 is not a whole number from 1 up"),
        ("to: scratch", "not a whole path"),
        ("nice: 20", "expected 0 to 19"),
        ("canary: maybe", "expected true or false"),
        ("amcheck: all", "expected one of off, basic, parent, full"),
        ("binaries: /usr/bin", "expected a mapping"),
        ("binaries: {new: /usr/bin}", "is not a major version"),
        ("keep_free: 5", "is not a size"),
        ("queries: [{name: a}]", "'query' is missing"),
        ("queries: [{name: a, query: '', expected: 1}]", "expected text"),
        ("queries: [{name: a, query: b, expected: [1]}]", "expected a single value"),
        ("queries: [{name: a, query: b, at_least: many}]", "is not a number"),
        ("hook: tell", "expected a list"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, line: str, complaint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(written(tmp_path, f"restore_tests:\n  {line}\n"))
    (problem,) = caught.value.problems
    assert complaint in problem
    assert "restore_tests" in problem
