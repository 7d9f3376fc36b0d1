"""All that is fuzzed, by name."""

from collections.abc import Mapping

from tests.fuzz import people, programs, servers
from tests.fuzz.target import Target

TARGETS: Mapping[str, Target] = programs.TARGETS | people.TARGETS | servers.TARGETS
