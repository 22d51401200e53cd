"""The memo of simple heads changes nothing but speed, and what the engine does wrong is found."""

from functools import cache

import pytest

from tests.lanes import recording
from tests.lanes.explore import explored
from tests.lanes.kernel import simulated
from tests.lanes.mutations import MUTATIONS, Mutation
from tests.lanes.recording import Sections

ROUNDS = 100
CHUNK = 10
MOST_ROUNDS = 300
SEED = 1


@pytest.mark.parametrize("first", range(0, ROUNDS, CHUNK))
def test_memo_of_heads_changes_nothing_but_speed(first: int) -> None:
    tally = explored(range(first, first + CHUNK))

    assert not tally.failures, "\n".join(tally.failures)
    assert tally.fast_cases > tally.cases / 4, "too few requests reach the engine"


def seen(number: int) -> list[Sections]:
    """What is seen of each case of a round."""
    with simulated():
        return [sections for _, sections in recording.played(SEED, number)]


@cache
def seen_without_mutation(number: int) -> list[Sections]:
    return seen(number)


@pytest.mark.source
@pytest.mark.no_cover  # the same lines in thousands of cases
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_mutated_engine_is_found(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(MOST_ROUNDS):
        expected = seen_without_mutation(number)
        with monkeypatch.context() as patch:
            mutation.patch(patch)
            if seen(number) != expected:
                return
    pytest.fail(f"{MOST_ROUNDS} rounds do not show it")
