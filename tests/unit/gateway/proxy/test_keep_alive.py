import math

import pytest

from gateway.http.response_parser import SHARE, keep_alive_seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"timeout=5, max=100", 5),
        (b"max=100, timeout=5", 5),
        (b"Timeout = 15", 15),
        (b'timeout="3"', 3),
        (b"timeout=0", 0),
        (b"max=100", math.inf),
        (b"timeout=soon", math.inf),
        (b"xtimeout=5", math.inf),
        (b"", math.inf),
    ],
)
def test_a_hint_shortens_how_long_a_connection_is_used(value: bytes, seconds: float) -> None:
    assert keep_alive_seconds([(b"Server", b"x"), (b"Keep-Alive", value)]) == SHARE * seconds


def test_without_a_hint_nothing_is_known() -> None:
    assert keep_alive_seconds([(b"Connection", b"keep-alive")]) == math.inf
