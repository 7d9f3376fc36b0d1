"""Rendering in one go, for tests that look at the result."""

from exporter.exposition import Exposition
from exporter.snapshot import Snapshot
from exporter.table import Renderer


def rendered(renderer: Renderer, snapshot: Snapshot) -> Exposition:
    """Return the exposition of *snapshot* without pausing."""
    slices = renderer.render(snapshot)
    while True:
        try:
            next(slices)
        except StopIteration as done:
            exposition: Exposition = done.value
            return exposition
