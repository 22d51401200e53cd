"""Which requests cannot be ours, by what was counted and what was sent."""

from dataclasses import replace

import pytest

from gateway.contract.records import Totals
from loadtest.counts import Moment
from loadtest.elsewhere.front import CLUSTER
from loadtest.elsewhere.others import Stretch, stretches
from loadtest.subject_commands import NodeFigures, Report
from loadtest.verdict import Asked

RATE = 30
NODES = ("node-1", "node-2")
AHEAD = 400.0  # this machine's clock, of Redis'


def sent(seconds: float, begins: float = 0.0) -> list[Moment]:
    """Of one node's senders, who have one request under way, from then on."""
    times = (quarter / 4 for quarter in range(int(4 * (seconds - begins)) + 1))
    return [Moment(AHEAD + begins + at, round(RATE * at) + 1, round(RATE * at)) for at in times]


def look(at: float, requests: int) -> Asked:
    """Each node had counted so many a tenth of a second before."""
    nodes = tuple(NodeFigures(name, Totals(requests=requests), at - 0.1) for name in NODES)
    return Asked(AHEAD + at, AHEAD + at, Report(at, healthy=True, findings=(), nodes=nodes))


def looks(seconds: int, begins: float = 0.0) -> list[Asked]:
    """Each second, at what `sent` sends."""
    return [look(at, round(RATE * max(0.0, at - 0.1 - begins))) for at in range(1, seconds)]


OF_EACH = dict.fromkeys(NODES, sent(30))
OF_ALL = {CLUSTER: [Moment(one.at, 2 * one.started, 2 * one.answered) for one in sent(30)]}


def foreign(reports: list[Asked], of_each: list[Moment], least_offset: float = AHEAD) -> list[Stretch]:
    """Those with requests of others, where each node is sent the same."""
    found = stretches(reports, dict.fromkeys(NODES, of_each), least_offset)
    return [stretch for stretch in found if stretch.requests]


@pytest.mark.parametrize("all_sent", [OF_EACH, OF_ALL])
def test_what_we_sent_is_nobody_elses(all_sent: dict[str, list[Moment]]) -> None:
    found = stretches(looks(30), all_sent, AHEAD)
    assert len(found) > 15
    assert not [stretch for stretch in found if stretch.requests]


@pytest.mark.parametrize(("longer", "less"), [(4.0, 0.0), (0.0, 2.0), (4.0, 2.0)])
def test_what_clocks_may_be_apart_is_taken_into_account(longer: float, less: float) -> None:
    """Each look takes so much longer, and so much less is known of their difference."""
    slow = [replace(asked, asked_at=asked.asked_at + longer) for asked in looks(30, begins=10.0)]
    assert not foreign(slow, sent(30, begins=10.0), AHEAD - less)


@pytest.mark.parametrize("all_sent", [OF_EACH, OF_ALL])
def test_a_burst_of_others_is_seen_where_it_was(all_sent: dict[str, list[Moment]]) -> None:
    seen = [look(at, round(RATE * (at - 0.1)) + (100 if at > 15 else 0)) for at in range(1, 30)]
    found = [one for one in stretches(seen, all_sent, AHEAD) if one.per_second > 1.5]
    assert found
    assert all(one.began_at < AHEAD + 16 < one.ended_at + 1 for one in found)


def test_what_a_slow_node_answers_late_is_nobody_elses() -> None:
    """It counts at once what has waited, whenever it was sent."""
    answered_late = [one if one.at > AHEAD + 10 else one._replace(answered=0) for one in sent(30)]
    counted_late = [look(at, round(RATE * (at - 0.1)) if at > 10 else 0) for at in range(1, 30)]
    assert not foreign(counted_late, answered_late)


def test_what_a_node_counts_a_moment_after_its_client_has_the_answer_is_nobody_elses() -> None:
    late = [look(at, round(RATE * min(15.0, at - 0.5))) for at in range(1, 30)]
    assert not foreign(late, sent(15))
