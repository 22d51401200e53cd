"""Windows and moments of all kinds, for hypothesis."""

from collections.abc import Mapping

from hypothesis import strategies as st

from gateway.contract import window
from gateway.limiter.window_cache import CachedWindow
from tests.unit.gateway.limiter import builders
from tests.unit.gateway.limiter.builders import NOW

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


def read(fields: Mapping[int, int], at: int = NOW, period_seconds: int = 60) -> CachedWindow:
    """The cached window of a whole hash that was asked for at `SENT`."""
    cached = CachedWindow("k", period_seconds)
    builders.read(cached, fields, at)
    return cached
