"""The form of the metrics' table, and how its rows become bytes that are remembered.

A group is a set of metrics with the same labels. Its *parts* are tuples of frozen objects, each the source
of some rows: as long as the objects are the same ones, so are the rows' bytes, and they are not made again.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from exporter.exposition import Aged, Block, Exposition, Family, Format, Writer, labels, number, samples
from exporter.snapshot import Snapshot

E = TypeVar("E")
Part = tuple[Any, ...]
Row = tuple[Sequence[str], E]
Number = float | None

PREFIX = "pgbackrest_"

# Rows that are made in one go: a millisecond's work at most.
_ROWS_A_SLICE = 100


@dataclass(frozen=True)  # with slots Python 3.11 cannot call Metric[Entity](…)
class Metric(Generic[E]):
    """One metric: *value* takes it from an entity; None is no sample. An age's value is the moment it counts from."""

    name: str
    help: str
    value: Callable[[E], Number]
    type: Literal["gauge", "counter", "age"] = "gauge"

    @property
    def family(self) -> Family:
        """The family as it is exposed."""
        return Family(PREFIX + self.name, "counter" if self.type == "counter" else "gauge", self.help)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(Generic[E]):
    """Metrics of one kind of entity."""

    labels: tuple[str, ...]
    parts: Callable[[Snapshot], Iterable[Part]]
    rows: Callable[..., Iterable[Row[E]]]
    metrics: tuple[Metric[E], ...]


def one(_: object) -> int:
    """Return the value of a metric that is all labels."""
    return 1


@dataclass(frozen=True, slots=True)
class _Rendered:
    """The samples of one part: for each metric of its group its lines, or its ages."""

    part: Part  # kept, so that the identities in the key stay theirs
    lines: tuple[Block | bytes, ...]
    ages: tuple[Aged, ...]


@dataclass(slots=True)
class _GroupMemory:
    parts: dict[tuple[int, ...], _Rendered] = field(default_factory=dict)
    blocks: Mapping[Format, tuple[Block, ...]] = field(default_factory=dict)
    aged: tuple[tuple[Family, Aged], ...] = ()


class Renderer:
    """Turns snapshots into expositions, and makes only the bytes that the last one had not."""

    def __init__(self, groups: Sequence[Group[Any]]) -> None:
        self._groups = groups
        self._memories = [_GroupMemory() for _ in groups]

    def render(self, snapshot: Snapshot) -> Generator[None, None, Exposition]:
        """Return the exposition of *snapshot*, pausing between slices of the work for others to take turns."""
        blocks: dict[Format, list[Block]] = {"text": [], "openmetrics": []}
        aged: list[tuple[Family, Aged]] = []
        for index, group in enumerate(self._groups):
            memory = yield from _render_group(group, snapshot, self._memories[index])
            self._memories[index] = memory
            for format_, found in memory.blocks.items():
                blocks[format_] += found
            aged += memory.aged
        return Exposition(blocks, aged)


def _render_group(
    group: Group[Any], snapshot: Snapshot, memory: _GroupMemory
) -> Generator[None, None, _GroupMemory]:
    parts: dict[tuple[int, ...], _Rendered] = {}
    for part in group.parts(snapshot):
        key = tuple(map(id, part))
        rendered = memory.parts.get(key)
        if rendered is None:
            rendered = yield from _render_part(group, part)
        parts[key] = rendered
    if list(parts) == list(memory.parts) and memory.blocks:
        return memory
    writer = Writer()
    aged: list[tuple[Family, Aged]] = []
    for index, metric in enumerate(group.metrics):
        if metric.type == "age":
            rows = tuple(row for rendered in parts.values() for row in rendered.ages[index])
            aged.append((metric.family, rows))
        else:
            writer.add(metric.family, (rendered.lines[index] for rendered in parts.values()))
            yield
    return _GroupMemory(parts, writer.blocks(), tuple(aged))


def _render_part(group: Group[Any], part: Part) -> Generator[None, None, _Rendered]:
    """Return the lines of one part: the inner loop of the first rendering of every backup."""
    lines: list[list[str]] = [[] for _ in group.metrics]
    ages: list[list[tuple[str, float]]] = [[] for _ in group.metrics]
    columns = [
        (PREFIX + metric.name, metric.value, metric.type == "age", found.append, aged.append)
        for metric, found, aged in zip(group.metrics, lines, ages, strict=True)
    ]
    for row, (values, entity) in enumerate(group.rows(*part), 1):
        label_set = labels(group.labels, values)
        for name, value_of, is_age, add_line, add_age in columns:
            value = value_of(entity)
            if value is None:
                continue
            if is_age:
                add_age((name + label_set, value))
            else:
                add_line(f"{name}{label_set} {number(value)}\n")
        if row % _ROWS_A_SLICE == 0:
            yield
    made: list[Block | bytes] = []
    for found in lines:
        made.append(samples("".join(found)))
        yield
    return _Rendered(part, tuple(made), tuple(map(tuple, ages)))
