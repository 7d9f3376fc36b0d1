"""A short round of what `make fuzz` does for hours: the same inputs each time."""

import random

import pytest

from tests.fuzz.mutation import mutations
from tests.fuzz.targets import TARGETS

SEED, MUTATIONS = 8, 80


@pytest.mark.parametrize("name", TARGETS)
def test_genuine_bytes_and_what_becomes_of_them_are_read_or_refused(name: str) -> None:
    target, chance = TARGETS[name], random.Random(SEED)
    for number, data in enumerate(mutations(target.seeds(), chance, MUTATIONS)):
        try:
            target.try_(data)
        except Exception as error:
            raise AssertionError(f"input {number} of seed {SEED}: {data[:2000]!r}") from error
