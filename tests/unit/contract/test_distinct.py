import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import sketches

clients = st.sets(st.integers(0, 500).map("client-{}".format))


def sketch_of(names: set[str]) -> tuple[str, ...]:
    return sketches.merge_sketches([[sketches.client_digest(name) for name in names]])


@given(st.sets(st.text(), max_size=sketches.SKETCH_SIZE - 1))
def test_a_few_clients_are_counted_exactly(names: set[str]) -> None:
    assert sketches.estimate_clients(sketch_of(names)) == len(names)


@given(st.lists(clients, max_size=4))
def test_sketches_merge_to_the_sketch_of_the_union(by_node: list[set[str]]) -> None:
    assert sketches.merge_sketches(map(sketch_of, by_node)) == sketch_of(set().union(*by_node))


@given(st.lists(clients, max_size=4))
def test_clients_that_are_added_are_in_it_as_if_they_had_been_there(groups: list[set[str]]) -> None:
    sketch: tuple[str, ...] = ()
    for names in groups:
        sketch = sketches.add_clients(sketch, names)

    assert sketch == sketch_of(set().union(*groups))


@pytest.mark.parametrize("number", [100, 1000, 20_000])
@pytest.mark.parametrize("seed", ["a", "b", "c"])
def test_an_estimate_is_within_three_standard_errors(number: int, seed: str) -> None:
    names = {f"{seed}-{position}" for position in range(number)}

    estimate = sketches.estimate_clients(sketch_of(names))

    assert abs(estimate / number - 1) < 3 * 0.13


def test_estimates_are_right_on_average() -> None:
    number, sets = 500, 60
    estimates = [
        sketches.estimate_clients(sketch_of({f"{seed}-{i}" for i in range(number)})) for seed in range(sets)
    ]

    assert abs(sum(estimates) / sets / number - 1) < 3 * 0.13 / sets**0.5


def test_a_sketch_has_a_bounded_size() -> None:
    assert len(sketch_of({str(i) for i in range(1000)})) == sketches.SKETCH_SIZE


@given(st.lists(st.lists(st.text(), max_size=100), max_size=3))
def test_entries_that_are_no_digests_do_not_count(others: list[list[str]]) -> None:
    known = sketches.client_digest("acme")

    merged = sketches.merge_sketches([*others, [known, known[:-1], known + "0", known.upper() + "A"]])

    assert merged == (known,)
    assert sketches.estimate_clients(merged) == 1
