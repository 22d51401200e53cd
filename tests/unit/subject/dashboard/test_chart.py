import pytest

from gateway.contract.records import Totals
from gateway.contract.sketches import bucket
from subject.dashboard.chart import Lines, Stretch, draw
from subject.dashboard.watcher import LIVE_SECONDS, live
from tests.unit.subject.builders import START, NodeScript, always, cluster, even, steps


def stretch(
    start: float, end: float, requests: int = 10, refused: int = 0, p99_ms: float | None = 5.0
) -> Stretch:
    return Stretch(START + start, START + end, requests, refused, p99_ms)


def test_what_a_stretch_counted_is_spread_over_its_steps() -> None:
    chart = draw({"node-1": [stretch(0.5, 1.5, requests=10, refused=4)]}, START, START + 3, 1)

    assert chart.lines["node-1"].rate == (5.0, 5.0, None)
    assert chart.lines["node-1"].refused == (2.0, 2.0, None)


def test_a_rate_is_per_second_whatever_the_step() -> None:
    start = START - START % 10
    chart = draw({"node-1": [Stretch(start, start + 20, 200, 0, None)]}, start, start + 20, 10)

    assert chart.lines["node-1"].rate == (10.0, 10.0)


def test_steps_begin_at_their_multiples() -> None:
    start = START - START % 10

    chart = draw({}, start + 7, start + 34, 10)

    assert (chart.start, chart.until) == (start, start + 30)


def test_where_nothing_is_known_of_a_node_its_line_has_a_gap() -> None:
    chart = draw({"node-1": [stretch(0, 1), stretch(2, 3, requests=0, p99_ms=None)]}, START, START + 3, 1)

    assert chart.lines["node-1"] == Lines((10.0, None, 0.0), (0.0, None, 0.0), (5.0, None, None))


def test_a_latency_stands_where_most_of_its_stretch_does() -> None:
    chart = draw({"node-1": [stretch(0.2, 1.2), stretch(1.2, 2.2, p99_ms=7.0)]}, START, START + 3, 1)

    assert chart.lines["node-1"].p99_ms == (5.0, 7.0, None)


def test_the_live_chart_has_what_each_node_did_in_the_last_two_minutes() -> None:
    nodes = [NodeScript("node-1", always(30), always(6)), NodeScript("node-2", always(10))]

    chart = live(cluster(*nodes, seconds=150))

    assert chart.until - chart.start == LIVE_SECONDS
    assert set(chart.lines["node-1"].rate) == {30.0}
    assert set(chart.lines["node-1"].refused) == {6.0}
    assert set(chart.lines["node-2"].rate) == {10.0}


@pytest.mark.parametrize("since", [None, START - 1, START + 31])
def test_who_has_nothing_of_a_chart_gets_all_of_it(since: int | None) -> None:
    seen = cluster(*even(steps((0, 30), (20, 60))), seconds=30)

    assert live(seen, since) == live(seen)


@pytest.mark.parametrize("ago", range(5))
def test_who_has_the_beginning_gets_the_rest(ago: int) -> None:
    seen = cluster(*even(steps((0, 30), (20, 60)), refused=steps((0, 0), (25, 7))), seconds=30)
    whole, since = live(seen), seen.until - ago

    rest = live(seen, since)

    assert (rest.start, rest.until) == (since, whole.until)
    for node, lines in whole.lines.items():
        for field in ("rate", "refused", "p99_ms"):
            assert getattr(rest.lines[node], field) == getattr(lines, field)[len(lines.rate) - ago :]


def test_a_cluster_that_is_young_has_a_short_chart() -> None:
    chart = live(cluster(*even(always(30)), seconds=20))

    assert chart.until - chart.start <= 20


def test_a_stretch_has_the_slowest_hundredth_of_its_sample() -> None:
    (sample,) = cluster(NodeScript("node-1", always(30)), seconds=1).nodes[0].samples

    made = Stretch.of(sample)

    assert (made.requests, made.refused) == (30, 0)
    assert made.p99_ms is not None
    assert bucket(made.p99_ms / 1000) in (bucket(0.004), bucket(0.004) + 1)
    assert sample.totals == Totals(30, 30)
