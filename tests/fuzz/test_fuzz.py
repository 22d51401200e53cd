"""A few hundred inputs for each target; ``make fuzz`` tries as many as fit in its time."""

import pytest
from hypothesis import strategies as st

from tests.fuzz.target import Target, run
from tests.fuzz.targets import TARGETS

EXAMPLES = 300


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_whatever_comes_is_read_or_refused(target: Target) -> None:
    run(target, EXAMPLES)


def test_a_failure_is_found_again_by_its_seed() -> None:
    tried: list[bytes] = []

    def check(data: bytes) -> None:
        tried.append(data)
        assert data.count(b"a") < 2, "twice"

    target = Target("bytes", st.binary(), check)
    for _ in range(2):
        with pytest.raises(AssertionError, match="twice"):
            run(target, 10_000, number=7)

    assert len(tried) > 2
    assert tried[: len(tried) // 2] == tried[len(tried) // 2 :]
    assert tried[-1] == b"aa"
