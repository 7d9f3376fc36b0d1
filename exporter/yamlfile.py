"""A YAML file as a person wrote it, read strictly and with the line of every key.

Plain words stay words, as in the core schema of YAML 1.2 (yaml.org/spec/1.2.2, chapter 10.3): YAML 1.1, which
PyYAML follows, reads `1:30` as 90, `off` and `no` as false and `010` as 8.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Key = tuple[str | int, ...]
"""The way to a value from the top: the keys of mappings, the positions in lists."""

_MOST_BYTES = 1024 * 1024
# Aliases are followed, so a few lines can stand for billions of values.
_MOST_VALUES = 100_000
_TAG = "tag:yaml.org,2002:"
_REMEDIES = (
    ("'\\t'", "YAML indents with spaces: replace the tab"),
    ("undefined alias", 'put quotes round a word that begins with *, such as "*-old"'),
    ("another document", "keep one document: remove the second ---"),
    ("mapping values are not allowed", "check the indentation, and put quotes round text with a colon"),
    ("constructor for the tag", "remove the tag that begins with !"),
)


class YamlError(Exception):
    """The file cannot be read as YAML; the message is one line."""


@dataclass(frozen=True, slots=True)
class Document:
    """What the file says: dicts with text keys, lists, text, numbers, booleans and None.

    *lines* tells where each key stands. *problems* are those that reading gets over, with their lines: of a key
    that is there twice the first is kept.
    """

    path: Path
    value: Any
    lines: Mapping[Key, int]
    problems: tuple[tuple[int, str], ...]

    def told(self, mistakes: Iterable[tuple[Key, str]]) -> list[str]:
        """Write *problems* and *mistakes* one to a line, from top to bottom: `exporter.yml:12: info.every: …`."""
        found = [(self.line(key), f"{dotted(key)}: {words}" if key else words) for key, words in mistakes]
        in_order = sorted([*self.problems, *found], key=lambda problem: problem[0])
        return [f"{self.path}:{line}: {words}" for line, words in in_order]

    def line(self, key: Key) -> int:
        """Find the line of *key*, or of the nearest that holds it."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)


class Loader(yaml.SafeLoader):
    """PyYAML's safe loader, with the words of YAML 1.2."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 – PyYAML's own class attribute, filled below


class Dumper(yaml.SafeDumper):
    """Writes what Loader reads back: `off` needs no quotes."""

    yaml_implicit_resolvers = Loader.yaml_implicit_resolvers


for _name, _pattern, _first in (
    ("bool", "true|false", "tf"),
    ("null", "~|null|", ["~", "n", ""]),
    ("int", "-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?[0-9]+\.[0-9]+", "-0123456789"),
    ("merge", "<<", "<"),
):
    Loader.add_implicit_resolver(_TAG + _name, re.compile(f"(?:{_pattern})\\Z"), list(_first))


def read(path: Path) -> Document:
    """Read the file; raises YamlError where nothing can be made of it."""
    text = _text(path)
    try:
        loader = Loader(text)
        building = _Building(path, loader)
        node = loader.get_single_node()
        value = None if node is None else building.value(node, ())
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(f"{path}:{line}: a control character stands here: remove it") from None
    except yaml.MarkedYAMLError as error:
        raise YamlError(_told(path, error)) from None
    except RecursionError:
        raise YamlError(f"{path}: nested too deeply, or an alias stands for itself") from None
    return Document(path, value, building.lines, tuple(dict.fromkeys(building.problems)))


def dump(value: object) -> str:
    """Write *value* as YAML; small mappings and lists on one line."""
    return yaml.dump(
        value, Dumper=Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=10_000
    )


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise YamlError(f"{path}: larger than 1 MiB: this is not a settings file")
        return data.decode("utf-8-sig")
    except IsADirectoryError:
        raise YamlError(f"{path}: is a directory: name the file in it") from None
    except FileNotFoundError:
        raise YamlError(f"{path}: there is no such file: check the path") from None
    except PermissionError:
        raise YamlError(f"{path}: permission denied: let this user read the file and its folders") from None
    except OSError as error:
        raise YamlError(f"{path}: {error.strerror}: check the path") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise YamlError(f"{path}:{line}: this is not UTF-8: save the file in that encoding") from None


def _told(path: Path, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
    words = ": ".join(part for part in (error.context, error.problem) if part).replace("\n", " ")
    remedies = (remedy for sign, remedy in _REMEDIES if sign in words)
    return f"{place}: {words}: {next(remedies, 'check the line and the one before')}"


class _Building:
    """Turns nodes into values, noting lines and keys that are there twice."""

    def __init__(self, path: Path, loader: Loader) -> None:
        self.path = path
        self.loader = loader
        self.lines: dict[Key, int] = {}
        self.problems: list[tuple[int, str]] = []
        self.count = 0

    def value(self, node: yaml.Node, key: Key) -> Any:
        self.count += 1
        if self.count > _MOST_VALUES:
            raise YamlError(f"{self.path}: more than {_MOST_VALUES} values: check the aliases (*name)")
        self.lines.setdefault(key, node.start_mark.line + 1)
        if not isinstance(node, yaml.ScalarNode) and node.tag not in (_TAG + "map", _TAG + "seq"):
            self.problem(node, "a tag that begins with ! has no meaning here: remove it")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, key)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*key, index)) for index, item in enumerate(node.value)]
        return self.scalar(node)

    def scalar(self, node: yaml.Node) -> Any:
        try:
            return self.loader.construct_object(node)
        except (ValueError, KeyError, AttributeError):
            # An explicit tag that its text does not fit (!!int x), or thousands of digits.
            line = node.start_mark.line + 1
            raise YamlError(
                f"{self.path}:{line}: the value does not fit its type: write it plainly"
            ) from None

    def mapping(self, node: yaml.MappingNode, key: Key) -> dict[str, Any]:
        own: dict[str, yaml.Node] = {}
        merged: dict[str, Any] = {}
        # What << brings in comes first, so that the keys written here win.
        for name, value in sorted(node.value, key=lambda pair: pair[0].tag != _TAG + "merge"):
            if name.tag == _TAG + "merge":
                merged |= self.merged(value, key)
            elif not isinstance(name, yaml.ScalarNode):
                self.problem(name, "a key must be one word")
            elif name.value in own:
                first = own[name.value].start_mark.line + 1
                self.problem(
                    name, f"{dotted((*key, name.value))}: is there twice, first in line {first}: remove one"
                )
            else:
                own[name.value] = name
                self.lines[*key, name.value] = name.start_mark.line + 1
                merged[name.value] = self.value(value, (*key, name.value))
        return merged

    def merged(self, node: yaml.Node, key: Key) -> dict[str, Any]:
        """Give the mapping that `<<` brings in; of a list of them the first wins."""
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        result: dict[str, Any] = {}
        for one in nodes:
            if isinstance(one, yaml.MappingNode):
                result = self.mapping(one, key) | result
            else:
                self.problem(one, "<< must be followed by a mapping, such as *name")
        return result

    def problem(self, node: yaml.Node, words: str) -> None:
        self.problems.append((node.start_mark.line + 1, words))


def dotted(key: Key) -> str:
    """Write the way to a value as people do: `stanzas.main.repos.2`, `exclude[0]`."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            word = (
                part if re.fullmatch(r"[\w*-]+", part) else '"' + part.encode("unicode_escape").decode() + '"'
            )
            text += f".{word}" if text else word
    return text
