"""Every alert fires when it should and stays quiet when it should not: promtool is the judge."""

import json
from pathlib import Path

import pytest

from tests.alerts import promtool
from tests.alerts.cases import CASES, cases_of
from tests.alerts.rules import RULES, cut_down, names, of

ALERTS = [name for name in names() if name != "Watchdog"]


def judged(tmp_path: Path, rules: Path, tests: list[dict[str, object]]) -> str:
    files = []
    for step, those in promtool.by_step(tests).items():
        file = tmp_path / f"{rules.stem}-{step}.yml"
        promtool.write(file, rules, those)
        files.append(file)
    return "\n".join(words for words in promtool.run(files).values() if words)


@pytest.mark.parametrize("alert", ALERTS)
def test_the_alert_fires_and_clears_while_all_others_are_quiet(tmp_path: Path, alert: str) -> None:
    tests = promtool.whole(case for case in CASES if case.alert == alert and not case.name)
    assert judged(tmp_path, RULES, tests) == ""


@pytest.mark.parametrize("alert", ALERTS)
def test_missed_scrapes_pairs_and_namespaces_change_nothing(tmp_path: Path, alert: str) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(json.dumps(cut_down(of(alert))))
    tests = promtool.together(alert, cases_of(alert))
    assert judged(tmp_path, rules, tests) == ""
