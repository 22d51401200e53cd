"""Which requests cannot be ours, by what was counted and what was sent."""

from dataclasses import replace

import pytest

from gateway.contract.telemetry import Totals
from loadtest.counts import Moment
from loadtest.elsewhere.front import CLUSTER
from loadtest.elsewhere.others import stretches
from loadtest.subject_commands import NodeFigures, Report
from loadtest.verdict import Asked

RATE = 30
NODES = ("node-1", "node-2")
AHEAD = 400.0  # this machine's clock, of Redis'


def sent(seconds: float) -> list[Moment]:
    """Of one node's senders, who have one request under way."""
    times = (quarter / 4 for quarter in range(int(4 * seconds) + 1))
    return [Moment(AHEAD + at, round(RATE * at) + 1, round(RATE * at)) for at in times]


def looks(seconds: int, burst: tuple[int, int] = (0, 0)) -> list[Asked]:
    """Each second, with what a node counted a tenth before: and `burst` requests of others from then on."""
    at_second, more = burst
    found = []
    for at in range(1, seconds):
        counted = round(RATE * (at - 0.1)) + (more if at > at_second else 0)
        nodes = tuple(NodeFigures(name, Totals(requests=counted), at - 0.1) for name in NODES)
        found.append(Asked(AHEAD + at, AHEAD + at, Report(at, healthy=True, findings=(), nodes=nodes)))
    return found


OF_EACH = dict.fromkeys(NODES, sent(30))
OF_ALL = {CLUSTER: [Moment(one.at, 2 * one.started, 2 * one.answered) for one in sent(30)]}


@pytest.mark.parametrize("all_sent", [OF_EACH, OF_ALL])
def test_what_we_sent_is_nobody_elses(all_sent: dict[str, list[Moment]]) -> None:
    found = stretches(looks(30), all_sent, AHEAD)
    assert len(found) > 15
    assert not [stretch for stretch in found if stretch.requests]


def test_what_clocks_may_be_apart_is_taken_into_account() -> None:
    """Where each look takes seconds, nobody knows what their difference is."""
    slow = [replace(asked, asked_at=asked.asked_at + 4.0) for asked in looks(30)]
    sudden = {name: [one for one in OF_EACH[name] if one.at > AHEAD + 10] for name in NODES}
    first = {name: sudden[name][0] for name in NODES}
    ours = {
        name: [
            Moment(one.at, one.started - first[name].started, one.answered - first[name].answered)
            for one in of
        ]
        for name, of in sudden.items()
    }
    counted = [replace(asked, report=_counted_since(asked.report, 10)) for asked in slow]
    assert not [stretch for stretch in stretches(counted, ours, AHEAD) if stretch.requests]


@pytest.mark.parametrize("all_sent", [OF_EACH, OF_ALL])
def test_a_burst_of_others_is_seen_where_it_was(all_sent: dict[str, list[Moment]]) -> None:
    found = [one for one in stretches(looks(30, burst=(15, 100)), all_sent, AHEAD) if one.per_second > 1.5]
    assert found
    assert all(one.began_at < AHEAD + 16 < one.ended_at + 1 for one in found)


def test_what_a_slow_node_answers_late_is_nobody_elses() -> None:
    """It counts at once what has waited, whenever it was sent."""
    slow = {name: [replace_answered(one) for one in sent(30)] for name in NODES}
    late = [replace(asked, report=_counted_late(asked.report)) for asked in looks(30)]
    assert not [stretch for stretch in stretches(late, slow, AHEAD) if stretch.requests]


def replace_answered(moment: Moment) -> Moment:
    """Nothing until the tenth second."""
    return moment if moment.at > AHEAD + 10 else Moment(moment.at, moment.started, 0)


def _counted_since(report: Report, second: int) -> Report:
    """Nothing was counted before."""
    nodes = (
        replace(node, totals=Totals(requests=max(0, node.totals.requests - RATE * second)))
        for node in report.nodes
        if node.totals is not None
    )
    return replace(report, nodes=tuple(nodes))


def _counted_late(report: Report) -> Report:
    nodes = (replace(node, totals=node.totals if report.at > 10 else Totals()) for node in report.nodes)
    return replace(report, nodes=tuple(nodes))
