"""HGETALL's reply: read fast where it is as nodes write it, and in any case the same."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import dropwhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import window
from gateway.limiter.frame import EDGE, SubIntervalFrame
from gateway.limiter.window_cache import MAX_COUNT, HashParser, HashSnapshot
from tests.unit.gateway.limiter.builders import NOW, THIS, hash_reply

MINUTE = SubIntervalFrame(NOW, 60)
WHOLE = range(THIS - EDGE, THIS + 2)
COUNTS = st.integers(-3, 12) | st.sampled_from([0, 10**6, 10**15])
JUNK = st.sampled_from([b"note", b"", b"-7", b"1e9", b"%da" % (THIS // 10), b"%d7" % THIS, b"9" * 25])


def standing(snapshot: HashSnapshot) -> list[int]:
    """The closed sub-intervals, from the first in which anything stands."""
    return list(dropwhile(lambda units: not units, snapshot.units))


@st.composite
def replies(draw: st.DrawFn) -> list[bytes]:
    """Fields in the order of their numbers, or nearly."""
    numbers = draw(st.sets(st.integers(THIS - EDGE - 6, THIS + 3), max_size=70))
    pairs = [(b"%d" % number, b"%d" % draw(COUNTS)) for number in sorted(numbers)]
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        place = draw(st.integers(0, len(pairs)))
        pairs.insert(place, (draw(JUNK), draw(st.sampled_from([b"3", b"x"]))))
    if draw(st.integers(0, 3)) == 0:
        pairs = draw(st.permutations(pairs))
    return [word for pair in dict(pairs).items() for word in pair]


@given(replies(), st.integers(0, 999_999))
def test_a_usual_hash_is_read_as_any_hash(reply: list[bytes], later: int) -> None:
    parser, frame = HashParser(), SubIntervalFrame(NOW + later, 60)
    plain = parser.parse_any(reply, frame)
    with suppress(LookupError, ValueError, TypeError):
        usual = parser.parse_fast(reply, frame)
        assert standing(usual) == standing(plain)
        assert replace(usual, units=[]) == replace(plain, units=[])


@pytest.mark.parametrize("fields", [WHOLE, [THIS], range(THIS - 70, THIS + 1), [THIS - 40, THIS - 3, THIS]])
def test_what_nodes_write_is_usual(fields: Sequence[int]) -> None:
    reply = hash_reply(dict.fromkeys(fields, 2))
    assert HashParser().parse_fast(reply, MINUTE).has_current


@pytest.mark.parametrize(
    "reply",
    [
        [],
        hash_reply({THIS + 2: 1}),
        [b"5"],
        [b"5", None],
        [None, b"5"],
        [[], []],
        [b"%d" % THIS, b"x"],
        [b"%da" % (THIS // 10), b"1"],
        [b"%d" % THIS, b"1", b"", b"3"],
        [b"%d,%d" % (THIS - 1, THIS), b"1"],
        [b"%d" % (THIS - 2), b"1", b"%d,%d" % (THIS - 1, THIS), b"3"],
        [b"%d" % (THIS - 1), b"1", b"%d" % (THIS // 10), b"3"],
    ],
)
def test_what_nodes_do_not_write_is_not(reply: list[bytes]) -> None:
    with pytest.raises((LookupError, ValueError, TypeError)):
        HashParser().parse_fast(reply, MINUTE)


def test_what_is_told_is_by_its_distance_from_the_sub_interval_at_hand() -> None:
    kept = window.oldest_kept(NOW, 60)
    fields = {
        kept - 1: 50,
        THIS - EDGE: 1,
        THIS - 40: 0,
        THIS - 30: 2,
        THIS - 2: 3,
        THIS - 1: 4,
        THIS: 5,
        THIS + 1: 6,
    }
    for read in (HashParser().parse_fast, HashParser().parse_any):
        snapshot = read(hash_reply(fields), MINUTE)
        assert (sum(snapshot.units), snapshot.units[0], snapshot.units[-1]) == (6, 1, 3)
        assert (snapshot.first, snapshot.previous, snapshot.following) == (THIS - 30, 4, 6)
        assert (snapshot.expired, snapshot.future_fields, snapshot.has_current) == ((kept - 1,), 0, True)


def test_a_count_that_is_none_is_none_and_one_below_zero_is_told() -> None:
    parser = HashParser()
    nonsense: list[object] = [None, 7, 7.0, "7", [b"7"], ValueError()]
    assert [parser.count(reply) for reply in nonsense] == [0] * len(nonsense)
    assert [parser.count(reply) for reply in (b"-4", b"x", b"-", b"7")] == [-4, 0, 0, 7]
    assert parser.count(b"9" * 30) == MAX_COUNT
    assert parser.count(b"-" + b"9" * 30) == -MAX_COUNT


def test_counts_below_zero_are_told_as_far_as_they_count() -> None:
    frame = SubIntervalFrame(NOW, 60)
    fields = {frame.oldest - 1: -1, frame.oldest: -2, THIS - 1: -3, THIS: -4, THIS + 1: -5, THIS + 2: -6}
    snapshot = HashParser().parse(hash_reply(fields), frame)
    assert snapshot.deficits == ((frame.oldest, 2), (THIS - 1, 3), (THIS, 4), (THIS + 1, 5))
    assert (snapshot.units, snapshot.previous, snapshot.following) == ([], 0, 0)


def test_how_much_was_posted_is_told_beside_the_sub_intervals() -> None:
    reply = [*hash_reply({THIS: 1}), b"posted", b"7", *hash_reply({THIS - 2: 4})]
    snapshot = HashParser().parse(reply, MINUTE)
    assert (snapshot.backfilled, snapshot.units[-1], snapshot.has_current) == (7, 4, True)


def test_what_was_given_back_in_a_sub_interval_of_the_future_is_no_counter_of_the_future() -> None:
    for count, ahead in ((0, 0), (-1, 0), (3, 1)):
        assert HashParser().parse(hash_reply({THIS: 1, THIS + 9: count}), MINUTE).future_fields == ahead
