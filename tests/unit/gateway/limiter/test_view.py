"""One client's window as a node knows it, against the true hash."""

from bisect import bisect_left
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import window
from gateway.limiter.moment import Moment
from gateway.limiter.view import DENY_SECONDS, READ_SECONDS, WHOLE_SECONDS, View
from tests.unit.gateway.limiter import builders
from tests.unit.gateway.limiter.builders import NOW, SENT, THIS, reads_open

PERIODS = st.sampled_from([1, 2, 7, 60, 3600])
COUNTS = st.integers(-3, 9)


def starts_at(number: int, period_seconds: int) -> int:
    """The first microsecond of a sub-interval."""
    return -(-number * period_seconds * window.MICROSECONDS // window.SUB_INTERVALS)


@st.composite
def moments_in(draw: st.DrawFn, number: int, period_seconds: int) -> int:
    """One in this sub-interval, often at its ends."""
    first, behind = starts_at(number, period_seconds), starts_at(number + 1, period_seconds)
    return draw(st.sampled_from([first, behind - 1]) | st.integers(first, behind - 1))


@st.composite
def hashes(draw: st.DrawFn, number: int) -> dict[int, int]:
    """What may stand in Redis when `number` is the sub-interval at hand: also damage, and strays."""
    numbers = st.integers(number - window.SUB_INTERVALS - 5, number + 3)
    recent = st.integers(number - 3, number + 2)
    return draw(st.dictionaries(numbers | recent, COUNTS, max_size=25))


def counted(fields: Mapping[int, int], at: int, period_seconds: int) -> int:
    return sum(window.counted(fields, at, period_seconds).values())


def read(fields: Mapping[int, int], at: int = NOW, period_seconds: int = 60) -> View:
    """The view of a whole hash that was asked for at `SENT`."""
    view = View("k", period_seconds)
    builders.read(view, fields, at)
    return view


@given(st.data(), PERIODS)
def test_what_is_read_once_and_then_brought_up_to_date_totals_as_the_whole_hash(
    data: st.DataObject, period: int
) -> None:
    this = window.sub_interval(NOW, period)
    stamps = moments_in(this, period)
    fields = data.draw(hashes(this))
    fields[this] = max(0, fields.get(this, 0))
    view = read(fields, data.draw(stamps), period)
    for _ in range(data.draw(st.integers(0, 6), "turns")):
        if data.draw(st.booleans(), "reads again"):
            fields |= {this - 1: data.draw(COUNTS), this: data.draw(COUNTS), this + 1: data.draw(COUNTS)}
            fields |= {i: max(0, fields[i]) for i in (this - 1, this, this + 1)}  # as it is read
            view.read_open(fields[this - 1], fields[this], fields[this + 1])
        else:
            units = data.draw(st.integers(0, 5), "adds")
            view.add(units)
            fields[this] += units
        at = data.draw(stamps, "forward, or back")
        assert view.total(at) == view.last_total == counted(fields, at, period)


@given(st.data(), PERIODS)
def test_a_view_ages_as_the_hash_would_if_nobody_wrote(data: st.DataObject, period: int) -> None:
    this = window.sub_interval(NOW, period)
    fields = data.draw(hashes(this))
    at = data.draw(moments_in(this, period))
    view = read(fields, at, period)
    told = {number: units for number, units in fields.items() if number <= this + 1}
    for number in data.draw(st.lists(st.integers(this, this + window.SUB_INTERVALS + 9), max_size=6)):
        later = max(at, data.draw(moments_in(number, period)))
        assert view.total(later) == counted(told, later, period)


@given(st.data(), PERIODS, st.lists(st.integers(0, 5), min_size=1, max_size=4))
def test_an_answer_that_comes_when_its_sub_interval_counts_no_more_adds_nothing(
    data: st.DataObject, period: int, units: list[int]
) -> None:
    """A node without Redis has aged the view, and then hears of what was under way all the time."""
    this = window.sub_interval(NOW, period)
    told = {number: count for number, count in data.draw(hashes(this)).items() if number <= this + 1}
    told[this] = max(0, told.get(this, 0))
    view = read(told, NOW, period)
    for added in units:
        later = NOW + data.draw(st.integers(0, 2 * period * window.MICROSECONDS))
        view.total(later)
        view.add(added)
        told[this] += added
        assert view.total(later) == counted(told, later, period)


@given(st.data(), PERIODS, st.integers(1, 40))
def test_units_leave_when_the_first_moment_comes_that_counts_so_many_fewer(
    data: st.DataObject, period: int, units: int
) -> None:
    this = window.sub_interval(NOW, period)
    fields = {n: units for n, units in data.draw(hashes(this)).items() if n <= this + 1}
    at = data.draw(moments_in(this, period))
    before = counted(fields, at, period)
    left = min(units, before)

    leaves_at = read(fields, at, period).leaves_at(at, units)

    if before:
        assert before - counted(fields, leaves_at, period) >= left
        assert before - counted(fields, leaves_at - 1, period) < left
        assert leaves_at > at
    else:
        assert leaves_at == window.leaves_at(this, period)


def test_the_moment_at_which_units_leave_is_the_same_by_trying_every_microsecond() -> None:
    period, this = 1, window.sub_interval(NOW, 1)
    fields = {this - 20: 2, this - 19: 1, this: 4}
    view = read(fields, NOW, period)

    def gone(at: int) -> int:
        return 7 - counted(fields, at, period)

    tried = range(NOW, NOW + 2 * window.MICROSECONDS)
    for units in range(1, 9):
        first = tried[bisect_left(tried, min(units, 7), key=gone)]
        assert view.leaves_at(NOW, units) == first


def test_a_negative_counter_is_damage_and_counts_as_none() -> None:
    view = read({THIS - 9: -5, THIS - 8: 3, THIS: -2})
    assert view.total(NOW) == 3
    view.add(-2)
    view.add(2)
    assert view.total(NOW) == 5


def test_a_whole_hash_takes_the_place_of_what_was_known() -> None:
    view = read({THIS - 9: 5, THIS: 2})
    view.add(3)
    builders.read(view, {THIS - 8: 1}, sent=SENT + 1)
    assert view.total(NOW) == 1


def test_a_view_is_fresh_within_its_sub_interval_and_a_quarter_of_a_second() -> None:
    assert reads_open(read({}), THIS, SENT)
    assert reads_open(read({}), THIS, SENT + READ_SECONDS - 0.001)


def test_a_view_is_not_fresh_after_a_quarter_of_a_second_whatever_was_read_of_the_open_ones() -> None:
    view = read({})
    view.read_open(1, 2, 3)
    assert not reads_open(view, THIS, SENT + READ_SECONDS)


@pytest.mark.parametrize("number", [THIS - 1, THIS + 1])
def test_a_view_is_not_fresh_in_another_sub_interval(number: int) -> None:
    assert not reads_open(read({}), number, SENT)


def test_a_view_is_not_fresh_when_it_was_told_to_expire_and_still_tells_what_it_knew() -> None:
    view = read({THIS: 3})
    view.expire(SENT)
    assert not reads_open(view, THIS, SENT)
    assert view.total(NOW) == 3


def test_a_view_that_was_told_to_expire_is_not_fresh_by_what_was_asked_before() -> None:
    view = read({THIS: 3})
    view.expire(SENT + 0.1)
    builders.read(view, {THIS: 4}, sent=SENT + 0.05)
    assert not reads_open(view, THIS, SENT + 0.1)
    builders.read(view, {THIS: 4}, sent=SENT + 0.1)
    assert reads_open(view, THIS, SENT + 0.1)


def test_a_view_is_not_fresh_before_it_was_read() -> None:
    assert not reads_open(View("k", 60), 0, SENT)


def denied(cost: int = 2, quota: int = 10, stamp: int = NOW, wait_seconds: float = 30.0) -> View:
    """A window that has just refused `cost`."""
    view = read({THIS: 9}, stamp)
    view.deny(quota, cost, stamp, wait_seconds, SENT)
    return view


def test_a_refusal_is_remembered_for_a_quarter_of_a_second() -> None:
    view = denied()
    assert view.denies(10, 2, SENT)
    assert view.denies(10, 2, SENT + DENY_SECONDS - 0.001)
    assert not view.denies(10, 2, SENT + DENY_SECONDS)


def test_a_refusal_is_forgotten_when_the_sub_interval_ends() -> None:
    view = denied(stamp=starts_at(THIS + 1, 60) - 100_000)
    assert view.denies(10, 2, SENT + 0.099)
    assert not view.denies(10, 2, SENT + 0.1)


def test_a_refusal_is_forgotten_when_there_will_be_room() -> None:
    view = denied(wait_seconds=0.05)
    assert view.denies(10, 2, SENT + 0.049)
    assert not view.denies(10, 2, SENT + 0.05)


def test_a_refusal_says_nothing_about_a_smaller_cost() -> None:
    assert not denied(cost=2).denies(10, 1, SENT)
    assert denied(cost=2).denies(10, 3, SENT)


def test_a_refusal_says_nothing_about_a_raised_quota() -> None:
    assert not denied(quota=10).denies(11, 2, SENT)
    assert denied(quota=10).denies(9, 2, SENT)


def test_the_last_refusal_is_the_one_that_is_remembered() -> None:
    view = denied(cost=1, quota=10)
    view.deny(20, 5, NOW, 30.0, SENT)
    assert not view.denies(10, 1, SENT)
    assert view.denies(20, 5, SENT)


def test_a_refusal_is_forgotten_when_redis_may_be_another_one() -> None:
    view = denied()
    view.expire(SENT)
    assert not view.denies(10, 2, SENT)


def test_a_window_that_refused_nobody_denies_nobody() -> None:
    assert not read({THIS: 10}).denies(10, 1, SENT)


def test_what_was_denied_is_said_to_fit_when_its_wait_is_over() -> None:
    view = denied(wait_seconds=30.0)
    assert view.frees_in(SENT + 10) == 20
    assert view.frees_in(SENT + 40) == 0


def test_a_view_holds_what_any_moment_of_its_sub_interval_counts() -> None:
    everything = range(THIS - 2 * window.SUB_INTERVALS, THIS + 9)
    view = read(dict.fromkeys(everything, 1))
    kept = range(window.oldest_counted(starts_at(THIS, 60), 60), THIS + 2)
    assert len(view) == len(kept)
    assert len(read({})) == len(range(THIS - 1, THIS + 2))


@given(st.data(), st.sampled_from([15, 60, 3600]))
def test_what_is_read_on_totals_as_the_whole_hash_would(data: st.DataObject, period: int) -> None:
    """Of what is closed nothing changes any more, and nothing else need be read."""
    this = window.sub_interval(NOW, period)
    fields = {
        number: max(0, units) for number, units in data.draw(hashes(this)).items() if number <= this + 1
    }
    view = read(fields, NOW, period)
    for _ in range(data.draw(st.integers(1, 5), "turns")):
        known = view.number
        this = known + data.draw(st.integers(0, 6), "steps")
        fields |= {number: data.draw(st.integers(0, 9)) for number in range(known - 1, this + 2)}
        at = data.draw(moments_in(this, period))
        view.read_on(this, [fields[number] for number in range(known - 1, this - 1)], SENT)
        view.read_open(fields[this - 1], fields[this], fields[this + 1])
        assert view.total(at) == counted(fields, at, period)
        assert view.total(at) == sum(units for _, units in view._counted(window.oldest_counted(at, period)))
        moment = Moment(at, period)
        told = View("k", period)
        builders.read(told, fields, at)
        assert (view.edge, view.closed, view.first_units) == (told.edge, told.closed, told.first_units)
        assert not view.first_units or view.first == told.first
        gone = view.forget(moment.oldest_kept)
        assert all(number < moment.oldest_kept for number in gone)
        assert view.total(at) == counted(fields, at, period)


def full(period: int) -> View:
    this = window.sub_interval(NOW, period)
    return read(dict.fromkeys(range(this - window.SUB_INTERVALS, this + 1), 1), NOW, period)


@pytest.mark.parametrize(
    ("period", "steps", "after_seconds", "expected"),
    [
        (60, 0, READ_SECONDS - 0.001, -1),
        (60, 0, READ_SECONDS, 0),
        (60, 1, 1.0, 1),
        (60, 4, 4.999, 4),
        (60, 5, 5.0, None),
        (60, -1, 0.1, None),
        (3600, 0, WHOLE_SECONDS - 0.001, 0),
        (3600, 1, WHOLE_SECONDS, None),
        (1, 4, 0.083, 4),
        (1, 5, 0.084, None),
    ],
)
def test_the_whole_hash_is_read_again_when_what_came_back_late_may_be_missing(
    period: int, steps: int, after_seconds: float, expected: int | None
) -> None:
    number = window.sub_interval(NOW, period) + steps
    assert full(period).steps(number, SENT + after_seconds) == expected


def test_of_a_small_hash_the_whole_is_read() -> None:
    assert read({THIS: 1, THIS - 2: 1}).steps(THIS + 1, SENT + 1) is None


def test_a_view_that_was_told_to_expire_is_not_read_on() -> None:
    view = full(60)
    view.expire(SENT + 0.1)
    assert view.steps(THIS, SENT + 0.1) is None
    view.read_on(THIS, [], SENT + 0.05)
    assert view.steps(THIS, SENT + 0.1) is None
