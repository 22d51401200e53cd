"""How many connections the limit of open files is enough for."""

import resource
from collections.abc import Iterator

import pytest

from gateway.listener import SPARE_DESCRIPTORS, allow_connections, connections_within


@pytest.fixture
def hard_limit() -> Iterator[int]:
    """This process' limits, as they were at the end."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield limits[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize(
    ("limit", "to_upstreams", "connections"),
    [
        (SPARE_DESCRIPTORS + 20_000, 10_000, 10_000),
        (SPARE_DESCRIPTORS + 2000, 10_000, 1000),  # each may need one to an upstream
        (SPARE_DESCRIPTORS + 2000, 500, 1500),  # more than 500 do not
        (SPARE_DESCRIPTORS + 20_000, 50, 10_000),
        (10, 50, 1),
    ],
)
def test_a_limit_is_enough_for_so_many(limit: int, to_upstreams: int, connections: int) -> None:
    assert connections_within(limit, 10_000, to_upstreams) == connections


def test_the_limit_is_raised_as_far_as_it_is_needed(hard_limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (SPARE_DESCRIPTORS + 10, hard_limit))

    assert allow_connections(100, 50) == 100
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (SPARE_DESCRIPTORS + 150, hard_limit)


def test_a_limit_that_is_enough_stays(hard_limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (SPARE_DESCRIPTORS + 200, hard_limit))

    assert allow_connections(100, 50) == 100
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (SPARE_DESCRIPTORS + 200, hard_limit)


def test_where_it_cannot_be_raised_so_far_there_are_fewer_connections_and_a_warning(
    hard_limit: int, caplog: pytest.LogCaptureFixture
) -> None:
    if hard_limit == resource.RLIM_INFINITY:
        pytest.skip("there is no limit here")

    assert allow_connections(hard_limit, hard_limit) == (hard_limit - SPARE_DESCRIPTORS) // 2
    assert f"enough for {(hard_limit - SPARE_DESCRIPTORS) // 2} connections" in caplog.text
    assert f"GATEWAY_MAX_CONNECTIONS={hard_limit}" in caplog.text
