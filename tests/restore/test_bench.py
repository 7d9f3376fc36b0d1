"""The bench of restore tests sees that it measures, not how fast."""

from tests.bench.restore import measured
from tests.lab.lab import Lab
from tests.restore.proofs import Proofs


def test_what_a_restore_test_costs_is_measured(lab: Lab, proofs: Proofs) -> None:
    run = measured(lab, proofs, 20)
    assert 0 < run.work < run.wall
    assert run.overhead > 0
    assert min(run.usage.cpu, run.usage.memory) > 0
