"""Nodes as real processes whose wall clocks are wrong: nothing that is decided depends on them."""

import pytest

from tests.exactness import clocks

pytestmark = pytest.mark.system

SEED = 3
COURSES = {
    "up to an hour ahead and behind": (clocks.SKEWED, ()),
    "stepped by an hour and by two": ((0, 0, 0), clocks.STEPPED),
}


@pytest.mark.parametrize("course", COURSES)
async def test_limits_skews_and_counts_are_right_with_wall_clocks(course: str) -> None:
    faketime = clocks.library()
    assert faketime, "apt install libfaketime"
    start, steps = COURSES[course]

    run = await clocks.run(faketime, start, steps, SEED)

    assert run.failures == []
    assert run.fallbacks == 0
    assert len(run.skews) == len(start) * (1 + len(steps))
