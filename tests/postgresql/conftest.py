"""Real servers, shared by the tests of this folder, each of which leaves them as they were."""

from collections.abc import Iterator

import pytest

from tests.lab.site import Site
from tests.postgresql.node import Node, role


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture(scope="session")
def primary(site: Site) -> Node:
    """A primary by itself, with the role."""
    node = Node("alone", site)
    node.make()
    node.sql(role())
    return node


@pytest.fixture(scope="session")
def pair(site: Site) -> tuple[Node, Node]:
    """A primary and its standby, with the role."""
    first, second = Node("first", site), Node("second", site)
    first.make()
    first.sql(role())
    second.follow(first)
    return first, second
