"""The rules by which an operator's loop opens and closes tickets."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from subject import RateLimiterChecker
from subject.checker import AFTERMATH_SECONDS, SETTLING_SECONDS
from subject.finding import CLUSTER, Finding, Target
from tests.unit.subject.builders import START
from tests.unit.subject.findings import finding
from tests.unit.subject.observations import CLIENT, NODE, Together, observed


class Loop:
    """An operator's: each look opens and closes tickets."""

    def __init__(self) -> None:
        self.checker = RateLimiterChecker()
        self.open: set[tuple[str, str | None]] = set()
        self.history: list[tuple[str, str, str | None]] = []

    def look(self, *of: Together | Finding, at: float, redis: bool = True) -> set[str]:
        """The names of the tickets that are open afterwards."""
        found = {
            (one.invariant_name, one.store_id)
            for one in self.checker.check(observed(*of, at=START + at, redis=redis))
        }
        self.history += [("open", *key) for key in sorted(found - self.open, key=str)]
        self.history += [("close", *key) for key in sorted(self.open - found, key=str)]
        self.open = found
        return {name for name, _ in found}

    def looks(self, *of: Together | Finding, at: Iterable[float], redis: bool = True) -> None:
        for second in at:
            self.look(*of, at=second, redis=redis)


def began(code: str, about: Target, second: float, **fields: object) -> Finding:
    return finding(code, about, since=START + second, **fields)


def test_a_symptom_that_shows_before_its_cause_opens_nothing() -> None:
    loop = Loop()
    down = began("store_down", CLUSTER, 0, severity="critical")

    assert loop.look(began("fallback_active", Target("node", "node-1"), 0), at=2) == set()
    loop.look([down, began("fallback_active", CLUSTER, 0)], at=4)

    assert loop.history == [("open", "store_down", None)]


@pytest.mark.parametrize("late", [False, True])
def test_a_symptom_without_a_cause_is_told_when_it_has_lasted(late: bool) -> None:
    loop = Loop()
    fallback = began("fallback_active", NODE, 0)

    assert loop.look(fallback, at=SETTLING_SECONDS - 1) == set()
    assert loop.look(fallback, at=SETTLING_SECONDS + (30 if late else 0)) == {"fallback_active"}


def test_what_has_lasted_when_the_loop_begins_is_told_at_once() -> None:
    assert Loop().look(began("limit_breach", CLIENT, 0), at=40) == {"limit_breach"}


def test_what_nothing_explains_or_only_what_shows_late_does_not_wait() -> None:
    assert Loop().look(began("clock_skew", NODE, 0), at=0) == {"clock_skew"}
    assert Loop().look(began("node_down", NODE, 0, severity="critical"), at=0) == {"node_down"}
    assert Loop().look(began("store_down", CLUSTER, 0, severity="critical"), at=0) == {"store_down"}


def test_a_worse_symptom_that_is_left_belongs_to_its_cause_all_the_same() -> None:
    loop = Loop()
    flood, evicting = (
        began("cardinality_attack", CLUSTER, 0),
        began("store_evicting", CLUSTER, 0, severity="critical"),
    )
    loop.look(evicting, at=2)
    loop.looks([flood, evicting], at=(4, 6))
    loop.looks(evicting, at=(8, 10))
    loop.look(at=12)

    assert loop.history == [("open", "cardinality_attack", None), ("close", "cardinality_attack", None)]


def test_a_cause_that_shows_late_does_not_rename_what_is_told() -> None:
    loop = Loop()
    breach, storm = began("limit_breach", CLIENT, 0), began("retry_storm", CLIENT, 9)
    loop.looks(breach, at=(4, 8, 12))
    loop.looks([storm, breach], at=(16, 20))

    (violation,) = loop.checker.check(observed([storm, breach], at=START + 24))

    assert loop.history == [("open", "limit_breach", "acme")]
    assert violation.message == "limit_breach of acme; it comes from retry_storm (acme): retry_storm of acme"
    assert violation.first_seen == datetime.fromtimestamp(START, UTC)


def test_a_worse_cause_is_told_by_its_own_name() -> None:
    loop = Loop()
    slow, down = began("store_slow", CLUSTER, 0), began("store_down", CLUSTER, 30, severity="critical")
    loop.looks(slow, at=(10, 20, 30))
    loop.look([down, slow], at=33)

    assert loop.history == [
        ("open", "store_slow", None),
        ("open", "store_down", None),
        ("close", "store_slow", None),
    ]


def test_what_is_left_of_a_problem_belongs_to_it() -> None:
    loop = Loop()
    storm, breach = began("retry_storm", CLIENT, 0), began("limit_breach", CLIENT, 0)
    loop.looks([storm, breach], at=(8, 12))
    loop.looks(breach, at=(16, 20, 24))
    loop.look(at=28)

    assert loop.history == [("open", "retry_storm", "acme"), ("close", "retry_storm", "acme")]


def test_what_is_left_at_one_node_of_what_all_did_belongs_to_it() -> None:
    loop = Loop()
    down = began("store_down", CLUSTER, 0, severity="critical")
    loop.look([down, began("fallback_active", CLUSTER, 0)], at=10)
    loop.looks(began("fallback_active", NODE, 0), at=(12, 14))
    loop.look(at=16)

    assert loop.history == [("open", "store_down", None), ("close", "store_down", None)]


def test_clients_that_become_many_and_few_again_keep_their_tickets() -> None:
    loop = Loop()
    one, many = began("limit_breach", CLIENT, 0), began("limit_breach", CLUSTER, 0)
    loop.look(one, at=10)
    loop.look(many, at=12)
    loop.look(one, at=14)

    assert loop.history == [("open", "limit_breach", "acme")]


def test_what_is_left_for_long_is_a_problem_of_its_own() -> None:
    loop = Loop()
    storm, breach = began("retry_storm", CLIENT, 0), began("limit_breach", CLIENT, 0)
    loop.look([storm, breach], at=10)
    loop.looks(breach, at=(12, 10 + AFTERMATH_SECONDS, 11 + AFTERMATH_SECONDS))

    assert loop.history == [
        ("open", "retry_storm", "acme"),
        ("open", "limit_breach", "acme"),
        ("close", "retry_storm", "acme"),
    ]


def test_what_is_left_for_information_keeps_nothing_open() -> None:
    loop = Loop()
    breach, hot = began("limit_breach", CLIENT, 0), began("hot_key", CLIENT, 0, severity="info")
    loop.look([breach, hot], at=10)

    assert loop.look(hot, at=14) == set()


def test_what_begins_after_the_end_of_another_problem_is_told() -> None:
    loop = Loop()
    loop.look(began("node_down", NODE, 0, severity="critical"), at=10)

    assert loop.look(began("limit_breach", CLIENT, 5), at=14) == {"limit_breach"}


def test_a_link_that_is_not_always_seen_does_not_open_and_close() -> None:
    loop = Loop()
    drift, breach = began("config_drift", NODE, 0), began("limit_breach", CLIENT, 0)
    for second in (10, 20, 30):
        loop.look([drift, breach], at=second)
        loop.look(drift, breach, at=second + 4)

    assert loop.history == [("open", "config_drift", "node-2")]


def test_while_the_subject_is_blind_nothing_is_closed() -> None:
    loop = Loop()
    blind = began("observer_blind", CLUSTER, 20, severity="critical")
    breach, down = began("limit_breach", CLIENT, 0), began("node_down", NODE, 0, severity="critical")
    loop.look(breach, down, at=15)
    (before,) = [
        one for one in loop.checker.check(observed(breach, down)) if one.invariant_name == "node_down"
    ]
    loop.looks(blind, at=(24, 28, 600), redis=False)
    (after,) = [
        one
        for one in loop.checker.check(observed(blind, at=START + 601, redis=False))
        if one.invariant_name == "node_down"
    ]

    assert {name for name, _ in loop.open} == {"limit_breach", "node_down", "observer_blind"}
    assert after == before


def test_after_blindness_nothing_is_closed_or_opened_until_it_has_seen_for_a_while() -> None:
    loop = Loop()
    blind = began("observer_blind", CLUSTER, 20, severity="critical")
    breach, down = began("limit_breach", CLIENT, 0), began("node_down", NODE, 0, severity="critical")
    drop, spike = began("traffic_drop", CLUSTER, 25), began("spike_broad", CLUSTER, 31)
    loop.look(breach, down, at=15)
    loop.looks(blind, at=(24, 28, 30), redis=False)
    loop.looks(down, drop, at=(31, 33, 35))
    loop.looks(down, breach, spike, at=(37, 41, 45))
    assert {name for name, _ in loop.open} == {"limit_breach", "node_down", "observer_blind"}
    loop.looks(breach, spike, at=(46, 48))

    assert loop.history[-3:] == [
        ("open", "spike_broad", None),
        ("close", "node_down", "node-2"),
        ("close", "observer_blind", None),
    ]
    assert {name for name, _ in loop.open} == {"limit_breach", "spike_broad"}


def test_a_clock_that_is_set_meanwhile_makes_no_blindness_that_lasts() -> None:
    loop = Loop()
    loop.look(began("observer_blind", CLUSTER, 600, severity="critical"), at=600, redis=False)

    assert loop.look(began("node_down", NODE, 4, severity="critical"), at=5) == {"node_down"}


def test_nodes_that_went_together_are_one_ticket_that_names_them_and_later_one_of_who_stays_away() -> None:
    loop = Loop()
    first = began("node_down", NODE, 0, severity="critical")
    second = began("node_down", Target("node", "node-3"), 0.5, severity="critical")
    (told,) = loop.checker.check(observed([first, second], at=START + 4))
    loop.looks([first, second], at=(5, 9))
    loop.looks(second, at=(12, 20, 28, 31))

    assert "node-2" in told.message
    assert "node-3" in told.message
    assert loop.history == [
        ("open", "node_down", "node-2"),
        ("open", "node_down", "node-3"),
        ("close", "node_down", "node-2"),
    ]


def test_what_only_redis_tells_stays_while_it_is_away() -> None:
    loop = Loop()
    malformed, breach = began("override_malformed", CLIENT, 0), began("limit_breach", NODE, 0)
    down = began("store_down", CLUSTER, 20, severity="critical")
    loop.look(malformed, breach, at=15)

    assert loop.look(down, at=24, redis=False) == {"store_down", "override_malformed"}
    assert loop.look(at=28) == set()


def test_two_tickets_that_turn_out_to_be_one_problem_become_the_older() -> None:
    loop = Loop()
    skew, drop = began("node_skew", NODE, 0), began("traffic_drop", Target("node", "node-1"), 3)
    loop.look(skew, drop, at=12)
    loop.look([skew, drop], at=16)

    assert loop.open == {("node_skew", "node-2")}
