"""Each pair of the table of what explains what, by itself."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from subject.cluster.snapshot import Snapshot
from subject.diagnosis import related
from subject.diagnosis.grouping import explained
from subject.diagnosis.links import LINKS, Link
from subject.finding import CLUSTER, Finding, Target
from tests.unit.subject.builders import START, always, cluster, even, snapshot
from tests.unit.subject.findings import finding
from tests.unit.subject.scenes import (
    drift_that_one_node_refuses_by,
    flood_that_the_service_cannot_take,
    together,
)

NODE, CLIENT = Target("node", "node-2"), Target("client", "acme")
QUIET = cluster(*even(always(60)), seconds=60)
UNTIMED = {related.always, related.nodes_lack_it, related.same_subject, related.comes_in_there}
ABOUT = {
    "retry_storm": CLIENT,
    "spike_single": CLIENT,
    "hot_key": CLIENT,
    "override_malformed": CLIENT,
    "node_down": NODE,
    "node_flapping": NODE,
    "node_id_conflict": NODE,
    "node_skew": NODE,
}
"""Whom a code is about where it is not the cluster."""


def late_loops() -> Snapshot:
    records = together(*(node.records(60) for node in even(always(60))))
    return snapshot(replace(one, loop_lag_seconds=0.2) for one in records)


WHERE: dict[object, Callable[[], Snapshot]] = {
    related.overloads: late_loops,
    related.reaches_upstream: flood_that_the_service_cannot_take,
    related.mostly_there: drift_that_one_node_refuses_by,
}
"""Where two findings are related, if that takes more than whom they are about and when they began."""


def pair_of(link: Link, later_seconds: float = 1.0) -> list[Finding]:
    """The two findings of a link, the effect a moment after its cause."""
    about = ABOUT.get(link.cause, CLUSTER)
    whom = CLIENT if link.effect == "limit_breach" and about == CLIENT else ABOUT.get(link.effect, CLUSTER)
    if link.related is related.comes_in_there:
        about = CLIENT
    if link.related in (related.same_subject, related.of_a_node):
        whom = about
    if link.related is related.went_together:
        whom = Target("node", "node-3")
    if link.cause == "config_drift":
        about, whom = NODE, CLIENT
    since = START + 50
    severity = "critical" if link.cause == "store_down" else "warning"
    cause = finding(link.cause, about, since=since, severity=severity)
    return [cause, finding(link.effect, whom, since=since + later_seconds)]


@pytest.mark.parametrize("link", LINKS, ids=lambda link: f"{link.cause}-{link.effect}")
def test_each_pair_of_the_table_is_one_problem(link: Link) -> None:
    found = WHERE.get(link.related, lambda: QUIET)()

    told = explained(found, pair_of(link))

    assert {place: one.place for place, one in told.items()} == {1: 0}
    assert told[1].text.endswith(f" ({link.cause})")


@pytest.mark.parametrize(
    "link",
    [link for link in LINKS if link.related not in UNTIMED],
    ids=lambda link: f"{link.cause}-{link.effect}",
)
def test_what_began_at_another_time_has_another_cause(link: Link) -> None:
    found = WHERE.get(link.related, lambda: QUIET)()

    assert 1 not in explained(found, pair_of(link, later_seconds=-30))


@pytest.mark.parametrize(
    "link",
    [link for link in LINKS if link.related in WHERE],
    ids=lambda link: f"{link.cause}-{link.effect}",
)
def test_where_nodes_tell_otherwise_the_time_alone_relates_nothing(link: Link) -> None:
    assert explained(QUIET, pair_of(link)) == {}
