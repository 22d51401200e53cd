from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from subject.detectors.usual import Usual

VALUES = st.lists(st.floats(0, 1e6) | st.sampled_from([0.0, 1.0, 2.0]), max_size=80)


@given(VALUES, st.integers(1, 30))
def test_it_knows_the_values_of_the_last_seconds_and_no_others(values: list[float], seconds: int) -> None:
    usual = Usual(seconds)
    for second, value in enumerate(values):
        usual.forget(second)
        past = values[max(0, second - seconds) : second]

        assert list(usual.ordered) == sorted(past)
        assert len(usual) == len(past)
        assert usual.median == (median(past) if past else 0)
        assert usual.latest(3) == past[:-4:-1]

        usual.learn(second, value)
