"""How the section `restore_tests` is read from the file and written again."""

from collections.abc import Callable, Mapping
from typing import Any

from exporter.settings import mistakes, words
from exporter.settings.mistakes import Reader, section
from exporter.settings.quantity import show_seconds, show_size, size
from exporter.settings.restore_tests import Query

_QUERY: Mapping[str, Reader] = {
    "name": words.line,
    "query": words.text,
    "database": words.line,
    "stanza": words.line_or_none,
    "expected": words.scalar,
    "at_least": words.number,
    "within": words.at_least(1.0),
}
_SPANS = (
    *("canary_within", "replay_within", "stalled_after"),
    *("tables_within", "amcheck_within", "checksums_within"),
)
_SIZES = ("keep_free", "shared_buffers", "sample_above")

READERS: Mapping[str, Reader] = {
    **dict.fromkeys(_SPANS, words.at_least(1.0)),
    **dict.fromkeys(_SIZES, size),
    "records": words.path,
    "history": words.positive,
    "targets": mistakes.items(words.one_of("latest", "immediate", "random")),
    "repos": mistakes.items(words.positive),
    "to": words.path,
    "allow_repository_filesystem": words.switch,
    "user": words.line,
    "binaries": words.folders,
    "process_max": words.positive_or_none,
    "nice": words.niceness,
    "shared_preload_libraries": mistakes.items(words.word),
    "canary": words.switch,
    "read": words.one_of("count", "full"),
    "amcheck": words.one_of("off", "basic", "parent", "full"),
    "queries": mistakes.items(section(Query, _QUERY)),
    "hook": mistakes.items(words.word),
}
"""Of each setting that is not every source's: what reads it."""

SHOWN: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_SPANS, show_seconds),
    **dict.fromkeys(_SIZES, show_size),
    **dict.fromkeys(("targets", "repos", "shared_preload_libraries", "hook"), list),
    "binaries": dict,
}
"""Of each setting that is not written as it stands: what writes it."""
