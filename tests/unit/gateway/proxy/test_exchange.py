import pytest

from gateway.proxy.exchange import CONNECT_SECONDS, connect_seconds


@pytest.mark.parametrize(
    ("left_seconds", "addresses", "seconds"),
    [(30.0, 1, CONNECT_SECONDS), (1.0, 1, 1.0), (1.0, 2, 0.5), (30.0, 10, 3.0), (-0.1, 2, 0.0)],
)
def test_all_addresses_share_the_time_to_connect(left_seconds: float, addresses: int, seconds: float) -> None:
    assert connect_seconds(left_seconds, addresses) == seconds
