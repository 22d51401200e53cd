"""What stands in one client's window as a node knows it, against the true hash."""

from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import window
from gateway.limiter.frame import SubIntervalFrame
from gateway.limiter.window_cache import CachedWindow
from tests.unit.gateway.limiter import builders
from tests.unit.gateway.limiter.builders import NOW, SENT, THIS
from tests.unit.gateway.limiter.drawn import COUNTS, PERIODS, counted, hashes, moments_in, read, starts_at


@given(st.data(), PERIODS)
def test_what_is_read_once_and_then_brought_up_to_date_totals_as_the_whole_hash(
    data: st.DataObject, period: int
) -> None:
    this = window.sub_interval(NOW, period)
    stamps = moments_in(this, period)
    fields = data.draw(hashes(this))
    fields[this] = max(0, fields.get(this, 0))
    cached = read(fields, data.draw(stamps), period)
    for _ in range(data.draw(st.integers(0, 6), "turns")):
        if data.draw(st.booleans(), "reads again"):
            fields |= {this - 1: data.draw(COUNTS), this: data.draw(COUNTS), this + 1: data.draw(COUNTS)}
            fields |= {i: max(0, fields[i]) for i in (this - 1, this, this + 1)}  # as it is read
            cached.load_open(fields[this - 1], fields[this], fields[this + 1])
        else:
            units = data.draw(st.integers(0, 5), "adds")
            cached.add(units)
            fields[this] += units
        at = data.draw(stamps, "forward, or back")
        assert cached.total(at) == cached.last_total == counted(fields, at, period)


@given(st.data(), PERIODS)
def test_a_view_ages_as_the_hash_would_if_nobody_wrote(data: st.DataObject, period: int) -> None:
    this = window.sub_interval(NOW, period)
    fields = data.draw(hashes(this))
    at = data.draw(moments_in(this, period))
    cached = read(fields, at, period)
    told = {number: units for number, units in fields.items() if number <= this + 1}
    for number in data.draw(st.lists(st.integers(this, this + window.SUB_INTERVALS + 9), max_size=6)):
        later = max(at, data.draw(moments_in(number, period)))
        assert cached.total(later) == counted(told, later, period)


@given(st.data(), PERIODS, st.lists(st.integers(0, 5), min_size=1, max_size=4))
def test_an_answer_that_comes_when_its_sub_interval_counts_no_more_adds_nothing(
    data: st.DataObject, period: int, units: list[int]
) -> None:
    """A node without Redis has aged the cached window, and then hears of what was under way all the time."""
    this = window.sub_interval(NOW, period)
    told = {number: count for number, count in data.draw(hashes(this)).items() if number <= this + 1}
    told[this] = max(0, told.get(this, 0))
    cached = read(told, NOW, period)
    for added in units:
        later = NOW + data.draw(st.integers(0, 2 * period * window.MICROSECONDS))
        cached.total(later)
        cached.add(added)
        told[this] += added
        assert cached.total(later) == counted(told, later, period)


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
    cached = read(fields, NOW, period)

    def gone(at: int) -> int:
        return 7 - counted(fields, at, period)

    tried = range(NOW, NOW + 2 * window.MICROSECONDS)
    for units in range(1, 9):
        first = tried[bisect_left(tried, min(units, 7), key=gone)]
        assert cached.leaves_at(NOW, units) == first


def test_a_negative_counter_is_damage_and_counts_as_none() -> None:
    cached = read({THIS - 9: -5, THIS - 8: 3, THIS: -2})
    assert cached.total(NOW) == 3
    cached.add(-2)
    cached.add(2)
    assert cached.total(NOW) == 5


def test_a_whole_hash_takes_the_place_of_what_was_known() -> None:
    cached = read({THIS - 9: 5, THIS: 2})
    cached.add(3)
    builders.read(cached, {THIS - 8: 1}, sent=SENT + 1)
    assert cached.total(NOW) == 1


def test_a_view_holds_what_any_moment_of_its_sub_interval_counts() -> None:
    everything = range(THIS - 2 * window.SUB_INTERVALS, THIS + 9)
    cached = read(dict.fromkeys(everything, 1))
    kept = range(window.oldest_counted(starts_at(THIS, 60), 60), THIS + 2)
    assert len(cached) == len(kept)
    assert len(read({})) == len(range(THIS - 1, THIS + 2))


@given(st.data(), st.sampled_from([15, 60, 3600]))
def test_what_is_read_on_totals_as_the_whole_hash_would(data: st.DataObject, period: int) -> None:
    """Of what is closed nothing changes any more, and nothing else need be read."""
    this = window.sub_interval(NOW, period)
    fields = {
        number: max(0, units) for number, units in data.draw(hashes(this)).items() if number <= this + 1
    }
    cached = read(fields, NOW, period)
    for _ in range(data.draw(st.integers(1, 5), "turns")):
        known = cached.number
        this = known + data.draw(st.integers(0, 6), "steps")
        fields |= {number: data.draw(st.integers(0, 9)) for number in range(known - 1, this + 2)}
        at = data.draw(moments_in(this, period))
        cached.advance(this, [fields[number] for number in range(known - 1, this - 1)], SENT)
        cached.load_open(fields[this - 1], fields[this], fields[this + 1])
        assert cached.total(at) == counted(fields, at, period)
        assert cached.total(at) == sum(
            units for _, units in cached._counted(window.oldest_counted(at, period))
        )
        frame = SubIntervalFrame(at, period)
        told = CachedWindow("k", period)
        builders.read(told, fields, at)
        assert (cached.edge, cached.closed, cached.first_units) == (told.edge, told.closed, told.first_units)
        assert not cached.first_units or cached.first == told.first
        gone = cached.forget(frame.oldest_kept)
        assert all(number < frame.oldest_kept for number in gone)
        assert cached.total(at) == counted(fields, at, period)
