"""From a document to dataclasses, with every mistake in it at once, each with its place.

cattrs does the structuring and keeps all exceptions; their tree is turned into problems that a person can follow.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from types import MappingProxyType
from typing import Any, TypeVar

import cattrs
from cattrs.cols import is_mapping
from cattrs.errors import IterableValidationError, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, mapping_structure_factory, override

from exporter.settings.quantity import shown
from exporter.yamlfile import Key

T = TypeVar("T")

Reader = Callable[[Any], Any]
"""Gives the value that was written, or raises ValueError whose words follow the key's name in one line."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: the way to it, and what to do about it."""

    key: Key
    words: str


def converter(readers: Mapping[type, Mapping[str, Reader]], keys: Mapping[type, Reader]) -> cattrs.Converter:
    """Make a strict converter.

    *readers* tells how the fields of each dataclass are read, but for those that are sections of their own;
    *keys* how the keys of a mapping are, by their type.
    """
    result = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)

    def sections(cls: type[Any]) -> Callable[[Any, Any], Any]:
        return _hook(section(cls, readers.get(cls, {}), result))

    def mappings(cls: type[Any]) -> Callable[[Any, Any], Any]:
        read = mapping_structure_factory(cls, result)
        return lambda value, _: MappingProxyType(read(_mapping(value), cls))

    result.register_structure_hook_factory(is_dataclass, sections)
    result.register_structure_hook_factory(is_mapping, mappings)
    for kind, read in keys.items():
        result.register_structure_hook(kind, _hook(read))
    return result


def section(
    cls: type[T], readers: Mapping[str, Reader], within: cattrs.Converter | None = None
) -> Callable[[Any], T]:
    """Read a mapping into the dataclass *cls*; nothing at all stands for its defaults."""
    hooks: dict[str, Any] = {name: override(struct_hook=_hook(read)) for name, read in readers.items()}
    read = make_dict_structure_fn(cls, within or cattrs.Converter(), _cattrs_forbid_extra_keys=True, **hooks)
    return lambda value: read(_mapping(value), cls)


def items(read: Reader) -> Reader:
    """Read a list, each item by *read*, into a tuple."""

    def read_all(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError(  # noqa: TRY004 – a mistake in a file, not in the program
                f"expected a list, [{value if isinstance(value, str) else '…'}], not {shown(value)}"
            )
        result, errors = [], []
        for index, item in enumerate(value):
            try:
                result.append(read(item))
            except (ValueError, cattrs.BaseValidationError) as error:
                error.add_note(IterableValidationNote("", index, None))
                errors.append(error)
        if errors:
            raise IterableValidationError("list", errors, tuple)
        return tuple(result)

    return read_all


def structure(cls: type[T], value: Any, within: cattrs.Converter) -> tuple[T, list[Problem]]:
    """Give what is right in *value*, with defaults for the rest, and all that is wrong; *value* is used up."""
    problems: list[Problem] = []
    while True:
        try:
            return within.structure(value, cls), problems
        except (cattrs.BaseValidationError, ValueError) as error:
            found = list(_told(error, ()))
        problems += found
        for problem in found:
            value = _without(value, problem.key)


def _hook(read: Reader) -> Callable[[Any, Any], Any]:
    return lambda value, _: read(value)


def _mapping(value: Any) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise ValueError(f"expected a mapping of keys to values, not {shown(value)}")
    return value or {}


def _told(error: BaseException, key: Key) -> Iterator[Problem]:
    """Walk the tree of exceptions: a note on each says below which key or position it was raised."""
    if isinstance(error, cattrs.ClassValidationError):
        noted, others = error.group_exceptions()
        for one, note in noted:
            yield from _told(one, (*key, note.name))
    elif isinstance(error, IterableValidationError):
        found, others = error.group_exceptions()
        for one, place in found:
            yield from _told(one, (*key, place.index))
    else:
        others = []
        yield from (
            _unknown(error, key)
            if isinstance(error, cattrs.ForbiddenExtraKeysError)
            else [Problem(key, f"{error} is missing" if isinstance(error, KeyError) else str(error))]
        )
    for one in others:
        yield from _told(one, key)


def _unknown(error: cattrs.ForbiddenExtraKeysError, key: Key) -> Iterator[Problem]:
    known = [field.name for field in fields(error.cl)]
    elsewhere: Mapping[str, str] = getattr(error.cl, "elsewhere", {})
    for extra in error.extra_fields:
        near = difflib.get_close_matches(extra, known, 1, 0.6)
        meant = f'did you mean "{near[0]}"?' if near else f"known are {', '.join(known)}"
        yield Problem((*key, extra), elsewhere.get(extra) or f"unknown key, {meant}")


def _without(document: Any, key: Key) -> Any:
    """Take a mistake out of *document*, so that the rest can be judged; a list goes as a whole."""
    place = document
    names = key[: next((i for i, part in enumerate(key) if isinstance(part, int)), len(key))]
    if not names:
        return {}
    for name in names[:-1]:
        place = place[name]
    # Two mistakes may stand in one list.
    place.pop(names[-1], None)
    return document
