"""Decoder of `pgbackrest repo-ls --output=json`, from 2.45 on: bytes as they come, entries out.

A listing of a million segments is 140 MB: it is cut where entries end, decoded piece by piece, and never there
as a whole. Names are other people's: they may hold anything, as the strings of any file system do.
"""

from collections.abc import Callable

import msgspec

# What lies between two entries. Inside a string the quotation mark would have a backslash before it.
_BETWEEN = b'},"'
# What cannot be decoded is tried again with what follows: a name may end like an entry. This is too long for a name.
_LONGEST_ENTRY = 1 << 20
_CONTROL = dict.fromkeys(range(32), "�")


class MalformedListingError(Exception):
    """What was printed is no listing. The message is one line."""


class Entry(msgspec.Struct, gc=False):
    """One name: *type* is path, file, link or special; size in bytes and time of change only of a file."""

    type: str
    size: int = 0
    time: int = 0


Entries = dict[str, Entry]
_DECODER = msgspec.json.Decoder(Entries)


class Listing:
    """Takes one listing in pieces, and hands its entries on in dictionaries by their names."""

    def __init__(self, take: Callable[[Entries], None]) -> None:
        self._hand_on = take
        self._rest = b""
        self._refused: str | None = None

    def take(self, piece: bytes) -> None:
        """Decode what is whole in it."""
        if self._refused is not None:
            return
        self._rest += piece
        end = self._rest.rfind(_BETWEEN) + 1
        if end:
            self._decode(self._rest[:end] + b"}", self._rest[end + 1 :])

    def close(self) -> None:
        """Decode the last entries. Raises MalformedListingError where the listing is none or is cut off."""
        if self._refused is None and self._rest.strip() != b"{}":
            self._decode(self._rest, b"", last=True)
        if self._refused is not None:
            raise MalformedListingError(
                f"pgbackrest repo-ls printed what is no listing: {self._refused}: run it by hand to see what it prints"
            )

    def _decode(self, document: bytes, rest: bytes, *, last: bool = False) -> None:
        try:
            entries = _entries(document)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            if last or len(self._rest) > _LONGEST_ENTRY:
                self._refused = str(error).removeprefix("JSON is malformed: ")
                self._rest = b""
            return
        self._rest = b"{" + rest if rest else b""
        self._hand_on(entries)


def _entries(document: bytes) -> Entries:
    try:
        return _DECODER.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _DECODER.decode(document.decode("utf-8", "replace").translate(_CONTROL).encode())
