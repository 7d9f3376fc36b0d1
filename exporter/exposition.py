"""Families to bytes, in both text formats and compressed, made once for each change and not for each scrape.

A scrape copies bytes. Samples look the same in the Prometheus text format 0.0.4 and in OpenMetrics 1.0.0,
only the comments above them differ, so big blocks of samples are shared by both. A block is deflated when
it is made and ends on a byte boundary (Z_FULL_FLUSH); the gzip body of a scrape is then a header, the
blocks one after the other, and a checksum combined of theirs (RFC 1951 §3.2.4, RFC 1952): one ordinary
gzip member. Only what changes from scrape to scrape – ages, the process's own metrics – is made at the scrape.
"""

import math
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import Literal

from isal import isal_zlib

Format = Literal["text", "openmetrics"]
FORMATS: tuple[Format, ...] = ("text", "openmetrics")

_EOF = "# EOF\n"
# RFC 1952 §2.3: no name, no time, system unknown. The last block of a deflate stream is an empty one.
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LAST_BLOCK = b"\x03\x00"

# Pieces of this size are written to a socket at once: big enough to be few, small enough to take turns.
PIECE_SIZE = 1 << 18
# From here on a run of samples is a block of its own, so that it is neither joined nor deflated again.
_OWN_BLOCK = 1 << 14


def number(value: float) -> str:
    """Return *value* as both formats write it."""
    if isinstance(value, int):  # True and False are ints as well
        return str(int(value))
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(value)


def labels(names: Sequence[str], values: Sequence[str]) -> str:
    """Return the label set of a sample, braces included, with the values escaped."""
    if not names:
        return ""
    return "{" + ",".join([f'{n}="{_escape(v)}"' for n, v in zip(names, values, strict=True)]) + "}"


def _escape(value: str) -> str:
    if "\\" in value or '"' in value or "\n" in value:
        return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    return value


@dataclass(frozen=True, slots=True)
class Family:
    """A metric family's name, type and help, without its samples."""

    name: str
    type: Literal["gauge", "counter"]
    help: str

    def head(self, format_: Format) -> bytes:
        """Return the comment lines that stand above the samples."""
        name, help_ = self.name, self.help.replace("\\", "\\\\").replace("\n", "\\n")
        if format_ == "openmetrics":
            name = name.removesuffix("_total") if self.type == "counter" else name
            help_ = help_.replace('"', '\\"')
        return f"# HELP {name} {help_}\n# TYPE {name} {self.type}\n".encode()


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A run of bytes of the body, and the same deflated to a byte boundary."""

    plain: bytes
    deflated: bytes
    crc: int

    @classmethod
    def of(cls, plain: bytes) -> "Block":
        """Deflate *plain*."""
        deflate = isal_zlib.compressobj(1, isal_zlib.DEFLATED, -15)
        deflated = deflate.compress(plain) + deflate.flush(isal_zlib.Z_FULL_FLUSH)
        return cls(plain, deflated, isal_zlib.crc32(plain))


Aged = tuple[tuple[str, float], ...]
"""Samples whose value is the seconds since a moment: all that stands before the value, and the moment."""


class Writer:
    """Collects the samples of families, in order, as blocks for both formats."""

    def __init__(self) -> None:
        self._blocks: dict[Format, list[Block]] = {format_: [] for format_ in FORMATS}
        self._pending: dict[Format, list[bytes]] = {format_: [] for format_ in FORMATS}
        self._size = 0

    def add(self, family: Family, samples: Iterable[Block | bytes]) -> None:
        """Append *family*; one without samples is left out."""
        samples = [piece for piece in samples if piece]
        if not samples:
            return
        for format_ in FORMATS:
            self._pending[format_].append(family.head(format_))
        for piece in samples:
            if isinstance(piece, Block):
                self._flush()
                for format_ in FORMATS:
                    self._blocks[format_].append(piece)
                continue
            for format_ in FORMATS:
                self._pending[format_].append(piece)
            self._size += len(piece)
            if self._size >= PIECE_SIZE:
                self._flush()

    def _flush(self) -> None:
        for format_, pending in self._pending.items():
            if pending:
                self._blocks[format_].append(Block.of(b"".join(pending)))
                pending.clear()
        self._size = 0

    def blocks(self) -> Mapping[Format, tuple[Block, ...]]:
        """Return everything that was added."""
        self._flush()
        return {format_: tuple(blocks) for format_, blocks in self._blocks.items()}


def samples(lines: str) -> Block | bytes:
    """Return sample *lines* as bytes, as a block of their own when they are many."""
    encoded = lines.encode()
    return Block.of(encoded) if len(encoded) >= _OWN_BLOCK else encoded


@dataclass(frozen=True, slots=True)
class Body:
    """What answers one scrape; *pieces* can be walked through once."""

    content_type: str
    encoding: Literal["gzip"] | None
    length: int
    pieces: Iterator[bytes]


class Exposition:
    """One whole truth, ready to be sent; it never changes after it was made."""

    def __init__(
        self, blocks: Mapping[Format, Sequence[Block]] | None = None, aged: Sequence[tuple[Family, Aged]] = ()
    ) -> None:
        self._facts = {format_: _Facts((blocks or {}).get(format_, ())) for format_ in FORMATS}
        self._ages = {format_: _Ages(aged, format_) for format_ in FORMATS}

    def body(self, accept: str, *, gzip: bool, now: float, own: Callable[[Format], Block]) -> Body:
        """Answer a scrape at the time *now* that accepts the media types *accept*.

        *own* gives the metrics of the process itself, in the format asked for.
        """
        format_, content_type = negotiate(accept)
        facts = self._facts[format_]
        live = (own(format_), Block.of(self._ages[format_].at(now)))
        if not gzip:
            length = facts.size + sum(len(block.plain) for block in live)
            plain = (block.plain for block in chain(facts.blocks, live))
            return Body(content_type, None, length, _joined(plain))
        crc, size, length = facts.crc, facts.size, facts.deflated_size
        for block in live:
            crc = isal_zlib.crc32_combine(crc, block.crc, len(block.plain))
            size += len(block.plain)
            length += len(block.deflated)
        end = _LAST_BLOCK + struct.pack("<II", crc, size & 0xFFFFFFFF)
        deflated = chain(facts.deflated, (block.deflated for block in live), (end,))
        return Body(content_type, "gzip", length + len(end), _joined(deflated))

    def facts_at(self, now: float) -> bytes:
        """Return all of it at the time *now* in the text format, without the metrics of a process."""
        blocks = (block.plain for block in self._facts["text"].blocks)
        return b"".join((*blocks, self._ages["text"].at(now)))


class _Facts:
    """The blocks of one format, and what of them can be summed up before a scrape."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = tuple(blocks)
        self.crc = self.size = 0
        for block in blocks:
            self.crc = isal_zlib.crc32_combine(self.crc, block.crc, len(block.plain))
            self.size += len(block.plain)
        self.deflated_size = len(_GZIP_HEADER) + sum(len(block.deflated) for block in blocks)

    @cached_property
    def deflated(self) -> tuple[bytes, ...]:
        """The beginning of a gzip body, joined at the first scrape that asks for it."""
        return tuple(_joined(chain((_GZIP_HEADER,), (block.deflated for block in self.blocks))))


class _Ages:
    """The families whose samples are made at the scrape, as one template that one operation fills."""

    def __init__(self, aged: Sequence[tuple[Family, Aged]], format_: Format) -> None:
        parts: list[str] = []
        self._moments: list[float] = []
        for family, rows in aged:
            if rows:
                parts.append(family.head(format_).decode().replace("%", "%%"))
                parts += [before.replace("%", "%%") + " %d\n" for before, _ in rows]
                self._moments += [moment for _, moment in rows]
        if format_ == "openmetrics":
            parts.append(_EOF)
        self._template = "".join(parts)

    def at(self, now: float) -> bytes:
        """Return the samples in whole seconds. A clock that was set back does not make them negative."""
        ages = [now - moment if now > moment else 0 for moment in self._moments]
        return (self._template % tuple(ages)).encode()


def _joined(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Join small neighbours, since a write costs more than some kilobytes copied; big ones stay as they are."""
    run: list[bytes] = []
    size = 0
    for piece in pieces:
        if run and size + len(piece) > PIECE_SIZE:
            yield b"".join(run) if len(run) > 1 else run[0]
            run, size = [], 0
        run.append(piece)
        size += len(piece)
    if run:
        yield b"".join(run) if len(run) > 1 else run[0]


@lru_cache(maxsize=256)
def negotiate(accept: str) -> tuple[Format, str]:
    """Choose a format and its content type for an Accept header, as Prometheus 2 and 3 send it.

    The highest quality wins, the earlier of two equals; anything unknown is answered with the text format.
    The escaping parameter is given back: all names here are legal in every one of its schemes.
    """
    best, chosen = 0.0, ("text", "0.0.4", "")
    for item in accept.lower().split(","):
        media, *rest = (part.strip() for part in item.split(";"))
        parameters = dict(part.split("=", 1) for part in rest if "=" in part)
        offered = _offer(media, parameters.get("version", ""))
        quality = _quality(parameters.get("q", "1"))
        if offered is not None and quality > best:
            best, chosen = quality, (*offered, parameters.get("escaping", ""))
    format_, version, escaping = chosen
    media = "application/openmetrics-text" if format_ == "openmetrics" else "text/plain"
    content_type = f"{media}; version={version}; charset=utf-8"
    if escaping in _ESCAPINGS:
        content_type += f"; escaping={escaping}"
    return ("openmetrics" if format_ == "openmetrics" else "text"), content_type


_ESCAPINGS = frozenset({"allow-utf-8", "underscores", "dots", "values"})


def _offer(media: str, version: str) -> tuple[str, str] | None:
    if media == "application/openmetrics-text" and version in {"", "0.0.1", "1.0.0"}:
        return "openmetrics", version or "1.0.0"
    if media == "text/plain" and version in {"", "0.0.4", "1.0.0"}:
        return "text", version or "0.0.4"
    return ("text", "0.0.4") if media in {"text/*", "*/*"} else None


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0
