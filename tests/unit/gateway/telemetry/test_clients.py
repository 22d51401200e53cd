from gateway.contract.records import TOP_CLIENTS
from gateway.contract.sketches import SKETCH_SIZE, estimate_clients
from gateway.telemetry.clients import ClientActivity


def test_requests_and_refusals_are_counted_by_client() -> None:
    activity = ClientActivity()
    for _ in range(3):
        activity.count("a", refused=False)
    activity.count("b", refused=True)
    activity.tick()

    assert activity.busiest == (("a", 3, 0), ("b", 1, 0))
    assert activity.most_refused == (("b", 1, 0),)
    assert estimate_clients(activity.sketch) == 2


def test_counts_are_cumulative_over_seconds() -> None:
    activity = ClientActivity()
    for _ in range(5):
        activity.count("a", refused=True)
        activity.tick()

    assert activity.busiest == activity.most_refused == (("a", 5, 0),)
    assert estimate_clients(activity.sketch) == 1


def test_a_second_without_requests_changes_nothing() -> None:
    activity = ClientActivity()
    activity.count("a", refused=False)
    activity.tick()
    before = activity.busiest, activity.most_refused, activity.sketch
    activity.tick()

    assert (activity.busiest, activity.most_refused, activity.sketch) == before


def test_what_is_published_of_clients_is_bounded() -> None:
    activity = ClientActivity()
    for number in range(20_000):
        activity.count(f"c{number}", refused=True)
    activity.tick()

    assert len(activity.busiest) == len(activity.most_refused) == TOP_CLIENTS
    assert len(activity.sketch) == SKETCH_SIZE
    assert 0.5 < estimate_clients(activity.sketch) / 20_000 < 1.5


def test_many_clients_within_a_second_are_taken_over_early() -> None:
    """A flood of made-up keys does not grow what waits for the second's end."""
    activity = ClientActivity()
    for number in range(5000):
        activity.count(f"c{number}", refused=False)

    assert estimate_clients(activity.sketch) > 0
