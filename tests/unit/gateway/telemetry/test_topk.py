from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.telemetry.clients import SpaceSaving

seconds = st.lists(
    st.dictionaries(st.sampled_from([f"c{n}" for n in range(12)]), st.integers(1, 50), max_size=8),
    max_size=30,
)


@given(seconds, st.integers(1, 6))
def test_the_true_count_lies_within_the_error(seconds: list[dict[str, int]], capacity: int) -> None:
    heavy, truth = SpaceSaving(capacity), Counter[str]()
    for units in seconds:
        heavy.add_all(units)
        truth.update(units)

    for client, counted, error in heavy.top(capacity):
        assert counted - error <= truth[client] <= counted


@given(seconds, st.integers(1, 6))
def test_the_error_is_at_most_an_even_share_and_capacity_is_kept(
    seconds: list[dict[str, int]], capacity: int
) -> None:
    heavy, total = SpaceSaving(capacity), 0
    for units in seconds:
        heavy.add_all(units)
        total += sum(units.values())

    kept = heavy.top(100)
    assert len(kept) <= capacity
    assert all(error <= total / capacity for _, _, error in kept)
    assert len({client for client, _, _ in kept}) == len(kept)


@given(seconds)
def test_with_room_for_all_counts_are_exact(seconds: list[dict[str, int]]) -> None:
    heavy, truth = SpaceSaving(12), Counter[str]()
    for units in seconds:
        heavy.add_all(units)
        truth.update(units)

    assert {client: units for client, units, _ in heavy.top(12)} == dict(truth)
    assert all(error == 0 for _, _, error in heavy.top(12))


def test_who_has_more_than_an_even_share_is_never_forgotten() -> None:
    heavy = SpaceSaving(10)
    for second in range(100):
        heavy.add_all({"heavy": 20, **{f"light-{second}-{n}": 1 for n in range(50)}})

    (counted,) = [entry for entry in heavy.top(10) if entry.client == "heavy"]
    assert counted.units - counted.error <= 2000 <= counted.units


def test_a_client_that_has_just_become_heavy_shows_at_once() -> None:
    heavy = SpaceSaving(100)
    for _ in range(600):
        heavy.decay()
        heavy.add_all({"old": 10})
    for _ in range(10):
        heavy.decay()
        heavy.add_all({"new": 20})

    assert [client for client, _, _ in heavy.top(2)] == ["new", "old"]
    assert heavy.top(1)[0].units == 200


@pytest.mark.parametrize("size", [0, 1, 3])
def test_top_gives_as_many_as_asked_for(size: int) -> None:
    heavy = SpaceSaving(10)
    heavy.add_all({"a": 3, "b": 2, "c": 1})

    assert [entry.client for entry in heavy.top(size)] == ["a", "b", "c"][:size]
