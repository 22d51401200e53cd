"""Whatever comes, nobody outside can tell by which lane a request has gone, but by how long it took."""

import pytest

from tests.lanes.explore import explored
from tests.lanes.mutations import MUTATIONS, Mutation

ROUNDS = 100
CHUNK = 10
MOST_ROUNDS = 200


@pytest.mark.parametrize("first", range(0, ROUNDS, CHUNK))
def test_both_lanes_come_to_the_same(first: int) -> None:
    tally = explored(range(first, first + CHUNK))

    assert not tally.failures, "\n".join(tally.failures)
    assert tally.fast_cases > tally.cases / 4, "too few of them are served by the fast lane to say so"


@pytest.mark.source
@pytest.mark.no_cover  # the same lines in thousands of cases
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_fast_lane_that_does_otherwise_is_found(
    mutation: Mutation, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutation.patch(monkeypatch)

    found = any(explored([seed], shrinking=False).failures for seed in range(MOST_ROUNDS))

    assert found, f"{MOST_ROUNDS} rounds do not show it"
