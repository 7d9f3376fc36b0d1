"""Scenes of an archive, and an independent judge of random ones."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model.info import Backup
from exporter.model.repository import Recovery, Retention, WalArchive
from exporter.wal.gaps import ON_THE_WAY, Circumstances, judge
from tests.unit.archives import MIB, archive, backup

NOW = 1_000_000
KEEP_ALL = Retention()


def around(
    retention: Retention | None = KEEP_ALL, *, timeline: int | None = None, size: int | None = 16 * MIB
) -> Circumstances:
    return Circumstances(listed=NOW, segment_size=size, retention=retention, timeline=timeline)


def line(*numbers: Iterable[int], timeline: int = 1, since: int = 1000) -> dict[tuple[int, int], int]:
    """Let each segment have arrived a second after the one before, long ago."""
    return {(timeline, number): since + number for some in numbers for number in some}


def holes(recovery: Recovery) -> tuple[int | None, int | None, tuple[str, ...] | None]:
    return recovery.missing_newest, recovery.missing_older, recovery.without_wal


# Two backups: the WAL from 5 to 6 and from 15 to 16.
OLD = backup("20260101-000000F", 5, 6, stop=2006)
NEW = backup("20260102-000000F", 15, 16, stop=2016)
BOTH = (OLD, NEW)


def test_a_whole_archive_can_be_restored_from_the_oldest_backup_to_the_newest_segment() -> None:
    found = judge(archive(line(range(5, 30))), BOTH, around())
    assert holes(found) == (0, 0, ())
    assert (found.start, found.end, found.timeline) == (2006, 2016, 1)
    assert found.newest_arrival == 1029


def test_the_end_is_when_the_newest_segment_arrived() -> None:
    found = judge(archive(line(range(5, 30), since=5000)), BOTH, around())
    assert found.end == 5029


def test_a_segment_that_waits_in_postgresql_since_before_bounds_the_end() -> None:
    circumstances = Circumstances(listed=NOW, segment_size=16 * MIB, retention=KEEP_ALL, waiting=5020.5)
    assert judge(archive(line(range(5, 30), since=5000)), BOTH, circumstances).end == 5020


def test_a_hole_after_the_newest_backup_is_new_and_ends_the_window_before_it() -> None:
    found = judge(archive(line(range(5, 20), range(22, 30), since=5000)), BOTH, around())
    assert holes(found) == (2, 0, ())
    assert (found.start, found.end) == (2006, 5019)


def test_the_next_good_backup_clears_it_at_once_and_it_is_an_older_one() -> None:
    next_one = backup("20260103-000000F", 25, 26, stop=6000)
    found = judge(archive(line(range(5, 20), range(22, 30), since=5000)), (*BOTH, next_one), around())
    assert holes(found) == (0, 2, ())
    assert (found.start, found.end) == (6000, 6000)


def test_a_backup_that_is_newer_than_the_listing_clears_it_too() -> None:
    next_one = backup("20260103-000000F", 33, 34, stop=NOW + 50)
    found = judge(archive(line(range(5, 20), range(22, 30))), (*BOTH, next_one), around())
    assert holes(found) == (0, 2, ())
    assert (found.start, found.end) == (NOW + 50, NOW + 50)


def test_a_hole_between_two_backups_is_an_older_one() -> None:
    found = judge(archive(line(range(5, 10), range(11, 30))), BOTH, around())
    assert holes(found) == (0, 1, ())
    assert found.start == 2016


def test_a_backup_whose_own_wal_has_a_hole_cannot_be_restored() -> None:
    found = judge(archive(line(range(5, 16), range(17, 30))), BOTH, around())
    assert holes(found) == (1, 0, ("20260102-000000F",))
    assert (found.start, found.end) == (2006, 2006)


def test_without_any_usable_backup_there_is_no_window() -> None:
    found = judge(archive(line([5], range(7, 16), range(17, 30))), BOTH, around())
    assert holes(found) == (2, 0, ("20260101-000000F", "20260102-000000F"))
    assert (found.start, found.end) == (None, None)


def test_without_any_backup_nothing_must_be_whole() -> None:
    found = judge(archive(line([1, 5, 9])), (), around())
    assert holes(found) == (0, 0, ())
    assert (found.start, found.end, found.newest_arrival) == (None, None, 1009)


def test_an_offline_backup_needs_no_wal() -> None:
    offline = backup("20260103-000000F", 0, 0, stop=9000, offline=True)
    assert holes(judge(archive(line(range(5, 30))), (*BOTH, offline), around())) == (0, 0, ())


def test_wal_before_the_oldest_backup_may_be_in_pieces() -> None:
    assert holes(judge(archive(line([1, 3], range(5, 30))), BOTH, around())) == (0, 0, ())


def test_what_has_just_come_may_have_overtaken_others() -> None:
    arrived = line(range(5, 26)) | {(1, number): NOW - 30 for number in (28, 30, 31)}
    found = judge(archive(arrived), BOTH, around())
    assert holes(found) == (0, 0, ())
    late = arrived | {(1, number): NOW - ON_THE_WAY for number in (28, 30)}
    assert holes(judge(archive(late), BOTH, around())) == (3, 0, ())


def test_what_was_there_and_is_gone_is_not_on_its_way() -> None:
    arrived = line(range(5, 26)) | {(1, number): NOW - 30 for number in (27, 29)}
    assert holes(judge(archive(arrived, gone=[(1, 26)]), BOTH, around())) == (1, 0, ())


def test_a_thousand_dropped_segments_are_not_on_their_way() -> None:
    arrived = line(range(5, 26)) | {(1, 1026): NOW - 1}
    assert holes(judge(archive(arrived), BOTH, around())) == (1000, 0, ())


def test_archive_retention_leaves_older_backups_their_own_wal_only() -> None:
    third = backup("20260103-000000F", 25, 26, stop=3000)
    arrived = line(range(5, 7), range(15, 17), range(25, 30))
    keep_one = around(Retention(archive=1))
    found = judge(archive(arrived), (*BOTH, third), keep_one)
    assert holes(found) == (0, 0, ())
    assert found.start == 3000
    assert holes(judge(archive(arrived), (*BOTH, third), around(Retention(archive=2)))) == (0, 8, ())
    assert holes(judge(archive(arrived), (*BOTH, third), around())) == (0, 16, ())


def test_archive_retention_counts_the_backups_of_its_type() -> None:
    incr = backup("20260102-000000F_20260103-000000I", 25, 26, stop=3000, type_="incr")
    arrived = line(range(5, 7), range(15, 17), range(25, 30))
    backups = (*BOTH, incr)
    assert holes(judge(archive(arrived), backups, around(Retention(archive=1, type="incr")))) == (0, 0, ())
    assert holes(judge(archive(arrived), backups, around(Retention(archive=1, type="full")))) == (0, 8, ())


def test_archive_retention_does_not_excuse_a_hole_in_a_backups_own_wal() -> None:
    third = backup("20260103-000000F", 25, 26, stop=3000)
    found = judge(archive(line([5], [15, 16], range(25, 30))), (*BOTH, third), around(Retention(archive=1)))
    assert holes(found) == (0, 1, ("20260101-000000F",))


def test_unknown_retention_is_taken_from_what_is_there() -> None:
    third = backup("20260103-000000F", 25, 26, stop=3000)
    arrived = line(range(5, 7), range(15, 17), range(25, 30))
    assert holes(judge(archive(arrived), (*BOTH, third), around(None))) == (0, 0, ())
    holed = line(range(5, 7), range(15, 20), range(21, 30))
    assert holes(judge(archive(holed), (*BOTH, third), around(None))) == (0, 1, ())


def test_the_old_timeline_is_read_up_to_the_segment_of_the_switch() -> None:
    arrived = line(range(5, 20)) | line(range(20, 30), timeline=2)
    found = judge(archive(arrived, {2: [(1, 20)]}), BOTH, around())
    assert holes(found) == (0, 0, ())
    assert (found.timeline, found.end, found.newest_history) == (2, 2016, 2)


@pytest.mark.parametrize("lost", [(1, 19), (2, 20)])
def test_the_last_segment_before_the_switch_and_the_first_after_it_must_be_there(
    lost: tuple[int, int],
) -> None:
    arrived = line(range(5, 21)) | line(range(20, 30), timeline=2)
    del arrived[lost]
    assert holes(judge(archive(arrived, {2: [(1, 20)]}), BOTH, around())) == (1, 0, ())


def test_a_promoted_primary_that_is_idle_has_archived_its_history_alone() -> None:
    found = judge(archive(line(range(5, 20)), {2: [(1, 20)]}), BOTH, around())
    assert holes(found) == (0, 0, ())
    assert (found.timeline, found.newest_history, found.strays) == (1, 2, (2,))
    assert judge(archive(line(range(5, 20)), {2: [(1, 20)]}), BOTH, around(timeline=2)).strays == ()


def test_timelines_that_never_archived_are_passed_over() -> None:
    arrived = line(range(5, 20)) | line(range(20, 30), timeline=4)
    found = judge(archive(arrived, {4: [(1, 20), (2, 20), (3, 20)]}), BOTH, around(timeline=4))
    assert holes(found) == (0, 0, ())


def test_a_restored_copys_timeline_neither_hides_a_hole_nor_makes_one() -> None:
    """It went out from segment 18, wrote a little long ago, and production goes on."""
    stray = line([18, 19, 25], timeline=2, since=1010)
    whole = judge(archive(line(range(5, 40)) | stray, {2: [(1, 18)]}), BOTH, around())
    assert (holes(whole), whole.timeline, whole.strays) == ((0, 0, ()), 1, (2,))
    holed = line(range(5, 30), range(31, 40)) | stray
    assert holes(judge(archive(holed, {2: [(1, 18)]}), BOTH, around())) == (1, 0, ())


def test_the_databases_own_word_on_its_timeline_counts() -> None:
    stray = line(range(18, 22), timeline=2, since=9000)
    known = archive(line(range(5, 40)) | stray, {2: [(1, 18)]})
    assert judge(known, BOTH, around()).timeline == 2, "it looks like a failover"
    found = judge(known, BOTH, around(timeline=1))
    assert (found.timeline, found.strays, found.end) == (1, (2,), 2016)


def test_a_word_on_a_timeline_that_the_archive_has_never_heard_of_does_not() -> None:
    assert judge(archive(line(range(5, 30))), BOTH, around(timeline=7)).timeline == 1


def test_a_backup_of_an_abandoned_timeline_is_judged_by_its_own_wal() -> None:
    """In place restored to segment 10, which is before the newest backup, and promoted."""
    arrived = line(range(5, 17)) | line(range(10, 30), timeline=2)
    found = judge(archive(arrived, {2: [(1, 10)]}), BOTH, around(timeline=2))
    assert holes(found) == (0, 0, ())
    del arrived[1, 16]
    found = judge(archive(arrived, {2: [(1, 10)]}), BOTH, around(timeline=2))
    assert holes(found) == (0, 1, ("20260102-000000F",))


def test_without_a_history_the_timeline_begins_with_its_backups() -> None:
    mine = backup("20260101-000000F", 5, 6, stop=2006, timeline=5)
    assert holes(judge(archive(line(range(5, 30), timeline=5)), (mine,), around())) == (0, 0, ())


def test_without_a_segment_size_nothing_is_said_of_holes() -> None:
    found = judge(archive(line([5, 9]), {2: [(1, 20)]}), BOTH, around(size=None))
    assert holes(found) == (None, None, None)
    assert (found.newest_arrival, found.newest_history) == (1009, 2)


def test_backups_of_another_database_do_not_count() -> None:
    older = backup("20250101-000000F", 1, 2, stop=100, database_id=1)
    mine = backup("20260101-000000F", 5, 6, stop=2006, database_id=2)
    found = judge(archive(line(range(5, 30)), database_id=2), (older, mine), around())
    assert (holes(found), found.start) == ((0, 0, ()), 2006)


@pytest.mark.parametrize("size", [MIB, 4 * MIB, 64 * MIB, 1024 * MIB])
def test_every_segment_size_is_counted_right(size: int) -> None:
    per = (1 << 32) // size
    first = 3 * per - 2
    arrived = {(1, number): 1000 for number in range(first, first + 7) if number != first + 4}
    mine = backup("20260101-000000F", first, first + 1, stop=2006, size=size)
    found = judge(archive(arrived, size=size), (mine,), around(size=size))
    assert holes(found) == (1, 0, ())


# --- an independent judge: sets and loops, no spans ---------------------------------------------------------------


def plainly(
    there: set[int], backups: list[Backup], ranges: dict[str, tuple[int, int]], keep: int | None
) -> tuple[int, int, set[str], int | None]:
    """Judge one timeline: missing newest and older, backups without WAL, start of the window."""
    broken = {label for label, (a, b) in ranges.items() if set(range(a, b + 1)) - there}
    usable = [one for one in backups if one.label not in broken]
    end = max([*there, *(b for _, b in ranges.values())])
    turn = ranges[usable[-1].label][0] if usable else min(a for a, _ in ranges.values())
    needed = sorted(ranges)[-keep] if keep and len(ranges) >= keep else min(ranges)
    wanted = set(range(ranges[needed][0], turn))
    for a, b in ranges.values():
        wanted |= {number for number in range(a, b + 1) if number < turn}
    start = None
    for one in reversed(backups):
        if usable and one.label not in broken and ranges[one.label][0] <= turn:
            if set(range(ranges[one.label][0], turn + 1)) - there:
                break
            start = one.stop
    return len(set(range(turn, end + 1)) - there), len(wanted - there), broken, start


@st.composite
def scenes(draw: st.DrawFn) -> tuple[set[int], list[tuple[int, int]], int | None, int, int | None]:
    count = draw(st.integers(1, 5))
    cuts = draw(st.lists(st.integers(2, 60), min_size=2 * count, max_size=2 * count))
    ordered = sorted(cuts)
    ranges = [(ordered[2 * n] + n, ordered[2 * n + 1] + n) for n in range(count)]
    lost = draw(st.sets(st.integers(2, 80), max_size=8))
    there = set(range(2, draw(st.integers(61, 80)))) - lost
    keep = draw(st.none() | st.integers(1, 4))
    return (
        there,
        ranges,
        keep,
        draw(st.sampled_from([MIB, 16 * MIB, 512 * MIB])),
        draw(st.none() | st.integers(2, 75)),
    )


@given(scenes())
def test_it_agrees_with_a_plain_judge(
    scene: tuple[set[int], list[tuple[int, int]], int | None, int, int | None],
) -> None:
    there, pairs, keep, size, switch = scene
    timeline_of = {number: 2 if switch and number >= switch else 1 for number in range(2, 100)}
    backups, ranges = [], {}
    for index, (a, b) in enumerate(pairs):
        if timeline_of[a] != timeline_of[b]:
            continue  # pgBackRest does not let a backup go on over a promotion
        one = backup(f"2026010{index}-000000F", a, b, stop=3000 + index, timeline=timeline_of[a], size=size)
        backups.append(one)
        ranges[one.label] = a, b
    if not backups:
        return
    arrived = {(timeline_of[number], number): 1000 + number for number in there}
    known: WalArchive = archive(arrived, {2: [(1, switch)]} if switch else {}, size=size)
    leaf = 2 if switch else 1
    found = judge(known, backups, around(Retention(archive=keep), timeline=leaf, size=size))
    newest, older, broken, start = plainly(there, backups, ranges, keep)
    assert (found.missing_newest, found.missing_older) == (newest, older)
    assert set(found.without_wal or ()) == broken
    assert found.start == start
