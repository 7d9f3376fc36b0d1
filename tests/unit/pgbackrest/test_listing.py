import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.pgbackrest.listing import Entries, Listing, MalformedListingError

CASES = sorted((Path(__file__).parents[2] / "corpus").glob("*/repo-ls/*.json"))


def decoded(*pieces: bytes) -> dict[str, tuple[str, int, int]]:
    found: Entries = {}
    listing = Listing(found.update)
    for piece in pieces:
        listing.take(piece)
    listing.close()
    return {name: (entry.type, entry.size, entry.time) for name, entry in found.items()}


def plainly(document: bytes) -> dict[str, tuple[str, int, int]]:
    entries: dict[str, Any] = json.loads(document)
    return {name: (one["type"], one.get("size", 0), one.get("time", 0)) for name, one in entries.items()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parts[-3]}-{case.stem}")
def test_a_genuine_listing_is_the_same_in_any_pieces(case: Path) -> None:
    document = case.read_bytes()
    expected = plainly(document)
    assert decoded(document) == expected
    assert decoded(*(document[at : at + 777] for at in range(0, len(document), 777))) == expected


@given(
    st.dictionaries(st.text(), st.tuples(st.integers(0, 1 << 40), st.integers(0, 1 << 40))),
    st.lists(st.integers(0, 400)),
)
def test_names_of_any_kind_are_the_same_in_any_pieces(
    files: dict[str, tuple[int, int]], cuts: list[int]
) -> None:
    entries = {name: {"type": "file", "size": size, "time": time} for name, (size, time) in files.items()}
    document = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode(errors="replace") + b"\n"
    at = [0, *sorted(cut for cut in cuts if cut < len(document)), len(document)]
    assert decoded(*(document[one:other] for one, other in pairwise(at))) == plainly(document)


def test_a_name_that_ends_like_an_entry_does_not_part_it() -> None:
    document = rb'{"a},":{"type":"path"},"{\"x\":1},":{"type":"path"},"b":{"type":"file","size":1,"time":2}}'
    assert set(decoded(*(document[at : at + 1] for at in range(len(document))))) == {"a},", '{"x":1},', "b"}


def test_names_may_be_in_another_encoding_and_hold_control_characters() -> None:
    assert set(decoded(b'{"caf\xe9\x01":{"type":"path"},"b":{"type":"path"}}\n')) == {"caf\ufffd\ufffd", "b"}


def test_a_folder_that_is_not_there_and_an_empty_one_have_no_names() -> None:
    assert decoded(b"{}\n") == {}
    assert decoded(b'{".":{"type":"path"}}\n') == {".": ("path", 0, 0)}


def test_links_and_what_later_versions_add_are_taken() -> None:
    document = (
        b'{"latest":{"type":"link","destination":"x"},"a":{"type":"file","size":1,"time":2,"version":"7"}}'
    )
    assert decoded(document) == {"latest": ("link", 0, 0), "a": ("file", 1, 2)}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"no JSON",
        b"[]",
        b'{"a":{"type":"file","si',
        b'{"a":{"type":"path"},"b":{"type":"pa',
        b'{"a":{"type":"file","size":"large"}}',
        b'{"a":1}',
        b'{"a":{"type":"path"}',
        b'{"a":{"type":"path"}} and more',
    ],
)
def test_what_is_no_listing_is_one_line_of_error(document: bytes) -> None:
    with pytest.raises(MalformedListingError) as caught:
        decoded(document)
    assert str(caught.value).startswith("pgbackrest repo-ls printed what is no listing: ")
    assert len(str(caught.value).splitlines()) == 1


def test_endless_junk_does_not_fill_the_memory() -> None:
    listing = Listing(lambda _: None)
    for _ in range(40):
        listing.take(b'{"x},"' * 10_000)
    assert len(listing._rest) < 4 << 20
    with pytest.raises(MalformedListingError):
        listing.close()
