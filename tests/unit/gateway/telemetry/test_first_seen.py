import pytest

from gateway.telemetry.clients import FirstSeen


def test_a_client_is_new_once() -> None:
    first_seen = FirstSeen()

    assert first_seen.take_new(["a", "b"]) == ["a", "b"]
    assert first_seen.take_new(["b", "c"]) == ["c"]
    assert first_seen.total == 3


@pytest.mark.no_cover  # the same lines a million times
def test_few_new_clients_pass_for_known_ones() -> None:
    first_seen = FirstSeen()
    for first in range(0, 400_000, 1000):
        first_seen.take_new(f"k_{number:016x}" for number in range(first, first + 1000))

    assert 0.995 * 400_000 < first_seen.total <= 400_000


@pytest.mark.no_cover  # the same lines a million times
def test_the_last_half_million_clients_are_known_and_those_long_before_are_not() -> None:
    first_seen = FirstSeen()
    first_seen.take_new(f"a{number}" for number in range(1000))
    first_seen.take_new(f"b{number}" for number in range(600_000))

    assert first_seen.take_new(f"a{number}" for number in range(1000)) == []
    first_seen.take_new(f"c{number}" for number in range(1_200_000))
    assert len(first_seen.take_new(f"a{number}" for number in range(1000))) > 950
