"""The shape of the code: imports point down, a library has one home, a noun has one name."""

import ast
import importlib
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from exporter.commands import COMMANDS
from exporter.settings import Settings
from exporter.snapshot import Expectation, Reload, Snapshot

ROOT = Path(__file__).parents[2] / "exporter"


def module(path: Path) -> str:
    """Return the name inside the project: wal, metrics (of metrics/__init__.py), metrics.info."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module(path): path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py"}

# A room imports only from lower floors. metrics, page, restore and verdict are one room each, else each module is one.
FLOORS = {
    room: number
    for number, rooms in enumerate(
        (
            (
                "aside commands exposition human jsonfile logs memory model model.archiver model.info"
                " model.patroni notify model.restore_tests model.runs patroni patroni.place pgbackrest pgbackrest.conf"
                " pgbackrest.invocation pgbackrest.log pgbackrest.redaction postgresql"
                " postgresql.complaints programs programs.attended programs.childwatch programs.refusal runs"
                " runs.tail settings.cadence settings.prefix settings.quantity turns wal wal.backlog wal.spans"
                " web web.listen web.tls web.users yamlfile"
            ),
            (
                "model.repository patroni.answers pgbackrest.lasterror pgbackrest.listing pgbackrest.spool"
                " programs.process settings.restore_tests settings.words web.answer"
            ),
            (
                "pgbackrest.here pgbackrest.runlog postgresql.archiving postgresql.server programs.supervised"
                " runs.records settings"
            ),
            (
                "filesystem patroni.access pgbackrest.entries pgbackrest.repositories pgbackrest.words"
                " postgresql.primary runs.evidence runs.ledger runs.logfolder settings.conninfo"
                " settings.mistakes snapshot wal.timelines web.config web.connection"
            ),
            (
                "patroni.client pgbackrest.client pgbackrest.info runs.lastword runs.unfinished"
                " settings.restore_tests_words table wal.gaps web.server web.guard"
            ),
            "pgbackrest.lister restore settings.file wal.outlook",
            "pgbackrest.archive pgbackrest.backups verdict",
            (
                "collectors collectors.archiver collectors.info collectors.patroni collectors.repository"
                " collectors.restore_tests collectors.runs metrics page schedule"
            ),
            "sources state",
            "once watchdog web.site",
            "app",
            "commands.collect commands.restore_test commands.run commands.serve commands.status",
            "commands.backup",
            "__main__",
        )
    )
    for room in rooms.split()
}

# The two sides know the model and not each other; they meet in app.
WORLD = {
    "aside",
    "filesystem",
    "restore",
    "runs.evidence",
    "runs.logfolder",
    "runs.records",
    "runs.tail",
    "runs.unfinished",
    *(
        room
        for room in FLOORS
        if room.startswith(("collectors", "patroni", "pgbackrest", "postgresql", "programs"))
    ),
}
WIRE = {
    "exposition",
    "metrics",
    "page",
    "state",
    "table",
    "verdict",
    *(room for room in FLOORS if room.startswith("web")),
}

# Who may import what is not Python's own.
HOMES = {
    "aiohttp": {"patroni.client", "web.answer", "web.connection", "web.server", "web.guard", "web.site"},
    "bcrypt": {"web.users"},
    "cattrs": {"settings.mistakes"},
    "isal": {"exposition"},
    "msgspec": {
        "collectors.runs",
        "patroni.answers",
        "pgbackrest.info",
        "pgbackrest.listing",
        "restore",
        "runs.ledger",
        "runs.logfolder",
    },
    "orjson": {"pgbackrest.info"},
    "prometheus_client": {"state"},
    "psycopg": {"postgresql.server", "restore", "settings.conninfo"},
    "yaml": {"yamlfile"},
}


def room(name: str) -> str:
    return next(
        (one for one in ("metrics", "page", "restore", "verdict") if name.startswith(f"{one}.")), name
    )


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes(), str(path))


def imports(path: Path) -> Iterator[str]:
    """Yield the full name of all that is imported anywhere in the file, also inside functions."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def rooms_imported(path: Path) -> set[str]:
    """Return the rooms of this project that the file imports from, its own aside."""
    found = set()
    for name in imports(path):
        assert not name.startswith("."), f"{path.name}: relative import {name}: write it out"
        top, _, inside = name.partition(".")
        if top == "exporter":
            while inside and inside not in MODULES:  # a name in a module stands for the module
                inside = inside.rpartition(".")[0]
            found.add(room(inside))
    return found - {"", room(module(path))}


def test_every_module_has_a_floor() -> None:
    rooms = {room(name) for name in MODULES}
    assert not rooms - FLOORS.keys(), "give it a floor"
    assert not FLOORS.keys() - rooms, "no such module any more: take it out"
    assert rooms >= WORLD | WIRE


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_point_down(name: str) -> None:
    up = {other for other in rooms_imported(MODULES[name]) if FLOORS[other] >= FLOORS[room(name)]}
    assert not up, f"{name} (floor {FLOORS[room(name)]}) may import lower floors only"


@pytest.mark.parametrize(("side", "other"), [(WORLD, WIRE), (WIRE, WORLD)], ids=["world", "wire"])
def test_the_world_and_the_wire_never_import_each_other(side: set[str], other: set[str]) -> None:
    crossings = {
        f"{name} imports {found}"
        for name, path in MODULES.items()
        if room(name) in side
        for found in rooms_imported(path) & other
    }
    assert not crossings


def test_every_subcommand_has_a_main_and_every_module_of_commands_is_one() -> None:
    modules = {name.partition(".")[2] for name in MODULES if name.startswith("commands.")}
    assert modules == {name.replace("-", "_") for name in COMMANDS} | {"serve"}
    for name in modules:
        assert callable(importlib.import_module(f"exporter.commands.{name}").main)


def test_every_library_is_imported_where_it_belongs() -> None:
    strangers = [
        f"{name} imports {library}"
        for name, path in sorted(MODULES.items())
        for library in sorted({found.split(".")[0] for found in imports(path)})
        if library not in sys.stdlib_module_names | {"exporter"} and room(name) not in HOMES.get(library, ())
    ]
    assert strangers == []


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_file_is_longer_than_300_lines(name: str) -> None:
    lines = len(MODULES[name].read_text().splitlines())
    assert lines <= 300, "split it: one noun a file"


def undocumented(nodes: list[ast.stmt]) -> Iterator[str]:
    for node in nodes:
        if isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        ) and not node.name.startswith("_"):
            if not ast.get_docstring(node) and not overrides(node):
                yield node.name
            if isinstance(node, ast.ClassDef):
                yield from (f"{node.name}.{name}" for name in undocumented(node.body))


def overrides(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id == "override" for mark in node.decorator_list)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_what_is_public_is_documented(name: str) -> None:
    body = tree(MODULES[name])
    assert ast.get_docstring(body), "the first line says what the file is for"
    assert list(undocumented(body.body)) == []


def collectors() -> set[str]:
    return {name.partition(".")[2] for name in MODULES if name.startswith("collectors.")}


def labels(collector: str) -> set[object]:
    """Return the values of `name` that the classes of the collector's file carry."""
    classes = vars(importlib.import_module(f"exporter.collectors.{collector}")).values()
    return {
        field.default
        for cls in classes
        if isinstance(cls, type) and is_dataclass(cls) and hasattr(cls, "read")
        for field in fields(cls)
        if field.name == "name"
    }


def test_a_collector_has_one_name_everywhere() -> None:
    settings = Settings()
    sections = {field.name for field in fields(Settings) if hasattr(getattr(settings, field.name), "every")}
    snapshot = Snapshot(settings=settings, expected=Expectation(), reload=Reload(at=0.0))
    readings = set(snapshot.readings())
    assert collectors() == sections, "file in collectors/ = section of the settings"
    assert collectors() == readings <= {field.name for field in fields(Snapshot)}, "= field of the snapshot"
    assert {name: labels(name) for name in collectors()} == {name: {name} for name in collectors()}, "= label"
