import pytest

from subject.cluster import metrics
from subject.cluster.rankings import Order, most_refused, nearest, ranked
from subject.cluster.snapshot import Snapshot
from subject.cluster.windows import ClientWindow
from subject.output import documents
from tests.unit.subject.builders import NodeScript, always, cluster, even, policies, steps
from tests.unit.subject.output.shown import shown

WINDOWS = (
    ClientWindow("acme", "default", 50, 100, 60),
    ClientWindow("beta", "default", 99, 100, 60),
    ClientWindow("beta", "route/search", 5, 5, 1),
    ClientWindow("zeta", "default/s", 1, 10, 1),
    ClientWindow("zeta", "default/m", 80, 100, 60),
)
CLIENTS = {"acme": always(9), "beta": always(5), "zeta": always(3), "idle": always(1)}
REFUSED = {"beta": always(1), "zeta": always(2)}
FOUND = cluster(
    *even(always(60), clients=CLIENTS, refused_clients=REFUSED),
    seconds=20,
    policies=policies("100/m"),
    windows=WINDOWS,
)


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("busiest", ["acme", "beta", "zeta", "idle"]),
        ("refused", ["zeta", "beta", "acme", "idle"]),
        ("nearest", ["beta", "zeta", "acme", "idle"]),
    ],
)
def test_clients_come_in_the_order_that_is_asked_for(order: Order, names: list[str]) -> None:
    assert [one.client for one in ranked(FOUND, order)] == names
    assert [one["id"] for one in documents.top(FOUND, order)["clients"]] == names


def test_of_several_windows_the_fullest_of_its_own_counts() -> None:
    used = {one.client: one.used_ratio for one in ranked(FOUND, "busiest")}

    assert used == {"acme": 0.5, "beta": 0.99, "zeta": 0.8, "idle": None}
    assert [(ratio, one.client) for ratio, one in nearest(ranked(FOUND, "busiest"), 2)] == [
        (0.99, "beta"),
        (0.8, "zeta"),
    ]
    assert [one.client for one in most_refused(ranked(FOUND, "busiest"), 5)] == ["zeta", "beta"]


def crowd(unlisted: int) -> Snapshot:
    """node-1 has twenty clients of 10 requests a second each, and more of 4 each; node-2 has acme alone."""
    busy = {f"c{number:02}": always(10) for number in range(20)}
    quiet = {f"q{number:02}": always(4) for number in range(unlisted)}
    return cluster(
        NodeScript("node-1", always(200 + 4 * unlisted), clients=busy | quiet),
        NodeScript("node-2", always(7), clients={"acme": always(7)}),
        seconds=30,
    )


def test_what_nodes_that_do_not_list_a_client_may_add_is_told() -> None:
    """As much as the list's last client has, and no more than all that are not listed have."""
    found = {one.client: one for one in metrics.of_clients(crowd(10))}

    assert found["acme"].rate == pytest.approx(7, rel=0.05)
    assert found["acme"].error == pytest.approx(10, rel=0.05)
    assert found["c00"].error == 0
    assert metrics.unlisted_rate(crowd(10)) == pytest.approx(10, rel=0.05)
    assert metrics.unlisted_rate(crowd(1)) == pytest.approx(4, rel=0.05)
    assert metrics.unlisted_rate(crowd(0)) == pytest.approx(0, abs=0.1)


def test_a_list_with_room_leaves_nobody_out() -> None:
    assert metrics.unlisted_rate(FOUND) == 0
    assert {one.error for one in metrics.of_clients(FOUND)} == {0.0}


def test_the_screen_tells_who_is_refused_and_near() -> None:
    text = shown("top", FOUND)

    assert "Most refused: zeta 6.0 a second, beta 3.0 a second" in text
    assert "Nearest to their limits: beta 99 %, zeta 80 %, acme 50 %" in text
    assert "± is what nodes that do not list it may add" in " ".join(shown("top", crowd(10)).split())


def test_a_client_that_came_just_now_is_ranked_too() -> None:
    found = cluster(*even(always(60), clients={"new": steps((0, 0), (18, 30))}), seconds=20)

    assert [one.client for one in ranked(found, "nearest")] == ["new"]
