import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.model.info import Stanza, Status
from exporter.pgbackrest.info import Decoder, MalformedError

CORPUS = Path(__file__).parents[2] / "corpus"
DOCUMENT = (CORPUS / "2.59.1" / "two_repos_ok.json").read_bytes()
SEVERAL = (CORPUS / "2.59.1" / "several_stanzas.json").read_bytes()


def decode(document: bytes | list[Any], decoder: Decoder | None = None) -> tuple[tuple[Stanza, ...], Decoder]:
    decoder = decoder or Decoder()
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return tuple(filter(None, decoder.decode(data))), decoder


def changed(document: bytes = DOCUMENT) -> Any:
    return json.loads(document)


def test_an_empty_list_is_no_stanza() -> None:
    assert decode(b"[]")[0] == ()


def test_an_unchanged_document_gives_the_very_same_stanzas() -> None:
    first, decoder = decode(SEVERAL)
    again, _ = decode(SEVERAL, decoder)
    assert len(first) == 3
    assert all(one is other for one, other in zip(first, again, strict=True))


def test_only_the_stanza_that_changed_is_made_anew() -> None:
    first, decoder = decode(SEVERAL)
    document = changed(SEVERAL)
    document[1]["status"]["lock"]["backup"]["held"] = True
    again, _ = decode(json.dumps(document, separators=(",", ":")).encode(), decoder)
    assert [one is other for one, other in zip(first, again, strict=True)] == [True, False, True]
    assert again[1].backups is first[1].backups


def test_a_new_backup_leaves_the_known_ones_the_same_objects() -> None:
    document = changed()
    newest = document[0]["backup"].pop()

    def pack() -> bytes:
        return json.dumps(document, separators=(",", ":")).encode()

    first, decoder = decode(pack())
    document[0]["backup"].append(newest)
    again, _ = decode(pack(), decoder)
    assert again[0].backups.all[:2] == first[0].backups.all
    assert again[0].backups.all[2].label == newest["label"]


def test_an_abandoned_decoding_does_not_pass_for_done() -> None:
    decoder = Decoder()
    steps = decoder.decode(SEVERAL)
    while next(steps) is None:
        pass
    assert len(decode(SEVERAL, decoder)[0]) == 3


def test_a_failed_document_does_not_pass_for_the_next() -> None:
    first, decoder = decode(SEVERAL)
    with pytest.raises(MalformedError):
        decode(SEVERAL[:-10], decoder)
    assert decode(SEVERAL, decoder)[0] == first


@pytest.mark.parametrize(
    "document", [b"", b"nonsense", b"{}", b"42", b"[", SEVERAL[: len(SEVERAL) // 2], SEVERAL + b"x"]
)
def test_what_is_no_document_is_one_line(document: bytes) -> None:
    with pytest.raises(MalformedError, match=r"^pgbackrest info printed \d+ bytes that are not") as caught:
        decode(document)
    assert "\n" not in str(caught.value)


def test_invalid_utf8_and_control_characters_are_replaced() -> None:
    document = json.dumps(changed()).encode().replace(b'"ok"', b'"\xff\x01\x1f garbage"')
    stanzas, _ = decode(document)
    assert stanzas[0].status is not None
    assert "garbage" in stanzas[0].status.message
    assert "\x01" not in stanzas[0].status.message


def test_a_system_id_above_2_to_the_53_keeps_every_digit() -> None:
    document = changed()
    document[0]["db"][0]["system-id"] = 18446744073709551615
    assert decode(document)[0][0].databases[0].system_id == 18446744073709551615


def test_fields_of_the_future_are_ignored_and_missing_ones_are_none() -> None:
    document = changed()
    backup = document[0]["backup"][0]
    backup["shape"] = {"of": ["things", "to", "come"]}
    for gone in ("error", "lsn", "archive", "prior"):
        del backup[gone]
    del backup["info"]["repository"]
    stanzas, decoder = decode(document)
    found = stanzas[0].backups.all[0]
    assert (found.error, found.lsn_start, found.wal_start, found.repo_size) == (None, None, None, None)
    assert decoder.skipped == ()


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("backup", 1, "timestamp"), None, 'stanza demo: backup 2 of 3: "timestamp" is missing'),
        (
            ("backup", 1, "type"),
            "huge",
            "stanza demo: backup 2 of 3: \"type\" is 'huge' where full, diff or incr is expected",
        ),
        (
            ("backup", 1, "info", "size"),
            True,
            'stanza demo: backup 2 of 3: "size" is bool where int is expected',
        ),
        (("backup", 1, "label"), "20261122-071108F", None),
        (("db", 0), 5, "stanza demo: db 1 of 2: it is not an object"),
        (
            ("archive", 1, "database"),
            [],
            'stanza demo: archive 2 of 2: "database" is list where dict is expected',
        ),
        (("repo", 0, "key"), 2, "stanza demo: repo 2 of 2: it is listed twice"),
        (("status", "lock"), 7, 'stanza demo: lock: "lock" is int where dict is expected'),
    ],
)
def test_one_bad_entry_is_told_and_loses_no_other(
    path: tuple[Any, ...], value: Any, said: str | None
) -> None:
    document = changed()
    *way, last = path
    place = document[0]
    for step in way:
        place = place[step]
    place[last] = value
    stanzas, decoder = decode(document)
    assert len(stanzas) == 1
    assert decoder.skipped == ((said,) if said else ())


def test_a_bad_stanza_loses_no_other_and_is_told_again_while_it_lasts() -> None:
    document = changed(SEVERAL)
    document[0]["status"] = "fine"
    document.append(document[1])
    stanzas, decoder = decode(document)
    assert [stanza.name for stanza in stanzas] == ["demo", "z.last"]
    assert decoder.skipped == (
        'stanza 1 of 4: "status" is str where dict is expected',
        "stanza 4 of 4: demo is listed twice",
    )
    decode(document, decoder)
    assert len(decoder.skipped) == 2


@pytest.mark.parametrize(
    ("separators", "end"), [((", ", ": "), ""), ((",", ":"), ""), ((",", ":"), "\n")], ids=repr
)
def test_stanzas_are_found_however_the_document_is_written(separators: tuple[str, str], end: str) -> None:
    document = changed(SEVERAL)
    document[1]["status"] = {"code": 99, "message": ',{"archive":['}
    found, decoder = decode((json.dumps(document, separators=separators) + end).encode())
    assert [one.name for one in found] == [one["name"] for one in document]
    assert found[1].status == Status(code=99, message=',{"archive":[')
    assert decoder.skipped == ()


def test_a_document_that_was_cut_off_at_the_end_of_a_list_is_refused() -> None:
    with pytest.raises(MalformedError):
        decode(SEVERAL[: SEVERAL.rindex(b"]", 0, -1) + 1])


def test_a_backup_that_is_listed_twice_counts_once() -> None:
    document = changed()
    document[0]["backup"].append({**document[0]["backup"][0], "prior": "x"})
    stanzas, decoder = decode(document)
    assert len(stanzas[0].backups.all) == 3
    assert decoder.skipped == ("stanza demo: backup 4 of 4: 20261122-071108F is listed twice",)


def test_the_segment_size_comes_from_a_backup_in_any_repository() -> None:
    document = changed()
    document[0]["backup"] = [one for one in document[0]["backup"] if one["database"]["repo-key"] == 2]
    assert [archive.wal_segment_size for archive in decode(document)[0][0].archives] == [16 << 20, 16 << 20]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.binary())
@example(b"[" * 100_000)
@example(b'[{"name":' + b"[" * 50_000)
@example(b'["\xed\xa0\x80"]')
def test_arbitrary_bytes_raise_nothing_but_malformed(document: bytes) -> None:
    with contextlib.suppress(MalformedError):
        list(Decoder().decode(document))


@given(st.lists(json_values))
def test_arbitrary_json_raises_nothing_but_malformed(document: list[Any]) -> None:
    with contextlib.suppress(MalformedError):
        decode(document)


def _paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here] * bool(here) + [path for key, one in items for path in _paths(one, (*here, key))]


@given(path=st.sampled_from(_paths(changed())), value=json_values)
def test_any_value_in_any_place_of_a_document_loses_at_most_its_entry(
    path: tuple[Any, ...], value: Any
) -> None:
    document = changed()
    *way, last = path
    place = document
    for step in way:
        place = place[step]
    place[last] = value
    document.append({**changed()[0], "name": "beside"})
    stanzas, _ = decode(document)
    assert len(next(stanza for stanza in stanzas if stanza.name == "beside").backups.all) == 3
