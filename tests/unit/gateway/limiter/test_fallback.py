"""Decisions from this process' memory."""

from gateway.contract.limits import Limit
from gateway.limiter import fallback
from gateway.limiter.fallback import LocalWindows


def admitted(windows: LocalWindows, limit: Limit, nodes: int, moments: list[float], key: str = "k") -> int:
    return sum(windows.decide(key, limit, nodes, now).admitted for now in moments)


def test_a_node_admits_its_share() -> None:
    assert admitted(LocalWindows(), Limit(90, 60), 3, [100.0] * 50) == 30


def test_a_share_is_never_nothing() -> None:
    assert admitted(LocalWindows(), Limit(1, 60), 5, [100.0] * 9) == 1


def test_a_refused_request_takes_no_place_and_the_window_slides() -> None:
    windows = LocalWindows()
    moments = [100 + i / 10 for i in range(1200)]
    assert 10 <= admitted(windows, Limit(5, 60), 1, moments) <= 11


def test_clients_have_windows_of_their_own() -> None:
    windows = LocalWindows()
    assert admitted(windows, Limit(2, 60), 1, [1.0] * 5, "a") == 2
    assert admitted(windows, Limit(2, 60), 1, [1.0] * 5, "b") == 2


def test_the_windows_are_bounded_and_the_longest_unused_is_forgotten() -> None:
    windows = LocalWindows()
    limit = Limit(1, 60)
    for number in range(fallback.MAX_CLIENTS + 1):
        windows.decide(f"client-{number}", limit, 1, 1.0)
    assert windows.decide("client-0", limit, 1, 1.0).admitted
    assert not windows.decide(f"client-{fallback.MAX_CLIENTS}", limit, 1, 1.0).admitted
