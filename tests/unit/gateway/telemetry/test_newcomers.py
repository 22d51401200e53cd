import pytest

from gateway.telemetry.newcomers import Newcomers


def test_a_client_is_new_once() -> None:
    newcomers = Newcomers()

    assert newcomers.among(["a", "b"]) == ["a", "b"]
    assert newcomers.among(["b", "c"]) == ["c"]
    assert newcomers.seen == 3


@pytest.mark.no_cover  # the same lines a million times
def test_few_newcomers_pass_for_somebody_known() -> None:
    newcomers = Newcomers()
    for first in range(0, 400_000, 1000):
        newcomers.among(f"k_{number:016x}" for number in range(first, first + 1000))

    assert 0.995 * 400_000 < newcomers.seen <= 400_000


@pytest.mark.no_cover  # the same lines a million times
def test_the_last_half_million_clients_are_known_and_those_long_before_are_not() -> None:
    newcomers = Newcomers()
    newcomers.among(f"a{number}" for number in range(1000))
    newcomers.among(f"b{number}" for number in range(600_000))

    assert newcomers.among(f"a{number}" for number in range(1000)) == []
    newcomers.among(f"c{number}" for number in range(1_200_000))
    assert len(newcomers.among(f"a{number}" for number in range(1000))) > 950
