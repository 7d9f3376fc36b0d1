"""The cases are worth something: they notice nearly every mistake that one can make in a rule."""

import pytest

from tests.alerts import hunt
from tests.alerts.mutants import EVERY, mutants
from tests.alerts.survivors import WHY

ENOUGH = 0.95


def test_a_mutant_has_a_name_of_its_own() -> None:
    assert len({mutant.name for mutant in mutants()}) == len(list(mutants()))


def test_the_cases_notice_every_mistake_but_those_with_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    judged = hunt.judged(EVERY)
    with capsys.disabled():
        print("", *hunt.report(judged), sep="\n")
    assert {name for name, noticed in judged.items() if not noticed} == WHY.keys()
    assert sum(judged.values()) >= ENOUGH * len(judged)
