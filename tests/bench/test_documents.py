"""The documents of the bench are pgBackRest's in shape, and change as asked."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench.documents import DAY, Document, Size

GENUINE = Path(__file__).parent.parent / "corpus" / "2.59.1"
NOW = 1_795_360_000


def made(document: Document) -> Any:
    return json.loads(b"".join(document.pieces()))


def shape(value: Any) -> Any:
    """Keys in their order, and types; of a list the first entry."""
    if isinstance(value, dict):
        return [(key, shape(inner)) for key, inner in value.items()]
    return [shape(value[0])] if isinstance(value, list) and value else type(value)


@pytest.mark.parametrize(("repo", "genuine"), [(1, "two_repos_mixed_cipher.json"), (2, "bundle_block.json")])
def test_a_stanza_and_an_incr_have_the_genuine_shape(repo: int, genuine: str) -> None:
    real = json.loads((GENUINE / genuine).read_bytes())[0]
    stanza = made(Document(Size(1, 30), now=NOW))[0]
    assert shape(stanza) == shape(json.loads((GENUINE / "two_repos_mixed_cipher.json").read_bytes())[0])
    ours = [b for b in stanza["backup"] if b["type"] == "incr" and b["database"]["repo-key"] == repo]
    theirs = [b for b in real["backup"] if b["type"] == "incr" and "annotation" not in b] or [
        {k: v for k, v in real["backup"][2].items() if k != "annotation"}
    ]
    assert shape(ours[-1]) == shape(theirs[-1])


def test_the_schedule_is_a_weekly_full_a_daily_diff_and_three_incr_in_each_repository() -> None:
    backups = made(Document(Size(1, 560), now=NOW))[0]["backup"]
    begun = [b["timestamp"]["start"] for b in backups]
    assert begun == sorted(begun)
    assert NOW - DAY < backups[-1]["timestamp"]["stop"] < NOW
    for repo in (1, 2):
        week = [
            b
            for b in backups
            if b["database"]["repo-key"] == repo and b["timestamp"]["start"] > NOW - 7 * DAY
        ]
        kinds = [b["type"] for b in week]
        assert (kinds.count("full"), kinds.count("diff")) == (1, 6)
        assert 19 <= kinds.count("incr") <= 21


def test_every_backup_builds_upon_listed_ones_and_lies_within_the_archive() -> None:
    stanza = made(Document(Size(1, 200), now=NOW))[0]
    seen: set[str] = set()
    for backup in stanza["backup"]:
        assert set(backup["reference"] or ()) <= seen
        assert backup["prior"] is None or backup["prior"] == backup["reference"][-1]
        assert stanza["archive"][0]["min"] <= backup["archive"]["start"] <= backup["archive"]["stop"]
        assert backup["archive"]["stop"] <= stanza["archive"][0]["max"]
        log, offset = (int(part, 16) for part in backup["lsn"]["start"].split("/"))
        assert backup["archive"]["start"] == f"00000001{log:08X}{offset >> 24:08X}"
        seen.add(backup["label"])


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    one, same = (b"".join(Document(Size(2, 30), now=NOW, seed=4).pieces()) for _ in range(2))
    assert one == same != b"".join(Document(Size(2, 30), now=NOW, seed=5).pieces())


def test_one_backup_more_leaves_the_other_stanzas_as_they_are() -> None:
    document = Document(Size(3, 30), now=NOW)
    before = made(document)
    document.add_backup()
    after = made(document)
    assert after[1:] == before[1:]
    assert after[0]["backup"][:-1] == before[0]["backup"]
    assert after[0]["backup"][-1]["timestamp"]["stop"] < NOW


def test_moving_the_archives_on_touches_every_stanza_and_no_backup() -> None:
    document = Document(Size(3, 30), now=NOW)
    before = made(document)
    document.move_archives()
    for old, new in zip(before, made(document), strict=True):
        assert old["archive"][0]["max"] < new["archive"][0]["max"]
        assert old["backup"] == new["backup"]


@pytest.mark.parametrize("text", ["", "10", "0x30", "3x1", "axb"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"size|int"):
        Size.parse(text)
