from gateway.workers.restarts import STEADY_SECONDS, Restarts


def test_who_lasted_is_started_again_at_once() -> None:
    restarts = Restarts()

    assert [restarts.wait_seconds(STEADY_SECONDS) for _ in range(5)] == [0.0] * 5


def test_who_does_not_last_is_started_ever_later() -> None:
    restarts = Restarts()
    waits = [restarts.wait_seconds(1.0) for _ in range(12)]

    assert waits[:5] == [0.0, 0.5, 1.0, 2.0, 4.0]
    assert waits[-3:] == [30.0] * 3


def test_who_has_lasted_begins_anew() -> None:
    restarts = Restarts()
    for _ in range(5):
        restarts.wait_seconds(1.0)
    restarts.wait_seconds(STEADY_SECONDS)

    assert [restarts.wait_seconds(1.0) for _ in range(3)] == [0.0, 0.5, 1.0]
