"""Fuzzes one target, led by which lines of ours are reached: a program of its own, since libFuzzer never returns."""

import random
import sys

import atheris

with atheris.instrument_imports(include=["exporter"]):
    from tests.fuzz.mutation import mutated
    from tests.fuzz.targets import TARGETS

_OURS = 0.5


def main() -> None:
    """Take the target's name and libFuzzer's own words from argv."""
    name, *words = sys.argv[1:]
    target = TARGETS[name]
    seeds = target.seeds()

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if chance.random() < _OURS:
            return mutated(data, seeds, chance)[:most]
        changed: bytes = atheris.Mutate(data, most)
        return changed

    atheris.Setup([sys.argv[0], *words], target.try_, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
