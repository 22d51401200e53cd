"""HGETALL's reply: read fast where it is as nodes write it, and in any case the same."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import dropwhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import window
from gateway.limiter.moment import EDGE, Moment
from gateway.limiter.reading import MOST, Reading, Readings
from tests.unit.gateway.limiter.builders import NOW, THIS, hash_reply

MINUTE = Moment(NOW, 60)
WHOLE = range(THIS - EDGE, THIS + 2)
COUNTS = st.integers(-3, 12) | st.sampled_from([0, 10**6, 10**15])
JUNK = st.sampled_from([b"note", b"", b"-7", b"1e9", b"%da" % (THIS // 10), b"%d7" % THIS, b"9" * 25])


def standing(reading: Reading) -> list[int]:
    """The closed sub-intervals, from the first in which anything stands."""
    return list(dropwhile(lambda units: not units, reading.units))


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
    readings, moment = Readings(), Moment(NOW + later, 60)
    plain = readings.unusual(reply, moment)
    with suppress(LookupError, ValueError, TypeError):
        usual = readings.usual(reply, moment)
        assert standing(usual) == standing(plain)
        assert replace(usual, units=[]) == replace(plain, units=[])


@pytest.mark.parametrize("fields", [WHOLE, [THIS], range(THIS - 70, THIS + 1), [THIS - 40, THIS - 3, THIS]])
def test_what_nodes_write_is_usual(fields: Sequence[int]) -> None:
    reply = hash_reply(dict.fromkeys(fields, 2))
    assert Readings().usual(reply, MINUTE).tells_own


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
        Readings().usual(reply, MINUTE)


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
    for read in (Readings().usual, Readings().unusual):
        reading = read(hash_reply(fields), MINUTE)
        assert (sum(reading.units), reading.units[0], reading.units[-1]) == (6, 1, 3)
        assert (reading.first, reading.previous, reading.following) == (THIS - 30, 4, 6)
        assert (reading.expired, reading.ahead, reading.tells_own) == ((kept - 1,), 0, True)


def test_a_count_that_is_none_is_none_and_one_below_zero_is_told() -> None:
    readings = Readings()
    nonsense: list[object] = [None, 7, 7.0, "7", [b"7"], ValueError()]
    assert [readings.count(reply) for reply in nonsense] == [0] * len(nonsense)
    assert [readings.count(reply) for reply in (b"-4", b"x", b"-", b"7")] == [-4, 0, 0, 7]
    assert readings.count(b"9" * 30) == MOST
    assert readings.count(b"-" + b"9" * 30) == -MOST


def test_counts_below_zero_are_told_as_far_as_they_count() -> None:
    moment = Moment(NOW, 60)
    fields = {moment.oldest - 1: -1, moment.oldest: -2, THIS - 1: -3, THIS: -4, THIS + 1: -5, THIS + 2: -6}
    reading = Readings().read(hash_reply(fields), moment)
    assert reading.deficits == ((moment.oldest, 2), (THIS - 1, 3), (THIS, 4), (THIS + 1, 5))
    assert (reading.units, reading.previous, reading.following) == ([], 0, 0)


def test_how_much_was_posted_is_told_beside_the_sub_intervals() -> None:
    reply = [*hash_reply({THIS: 1}), b"posted", b"7", *hash_reply({THIS - 2: 4})]
    reading = Readings().read(reply, MINUTE)
    assert (reading.posted, reading.units[-1], reading.tells_own) == (7, 4, True)


def test_what_was_given_back_in_a_sub_interval_of_the_future_is_no_counter_of_the_future() -> None:
    for count, ahead in ((0, 0), (-1, 0), (3, 1)):
        assert Readings().read(hash_reply({THIS: 1, THIS + 9: count}), MINUTE).ahead == ahead
