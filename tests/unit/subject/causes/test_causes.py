"""For each code the causes that are told, and which of them is the first by what the nodes tell."""

import shlex
from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.contract.limits import parse_limits
from gateway.contract.overrides import Override, Overrides
from gateway.contract.telemetry import LiveChanges, Reloads, Store, Upstream
from subject.causes import BY_CODE
from subject.causes.cause import Cause
from subject.cluster.snapshot import Snapshot
from subject.commands import parser
from subject.detectors.breach import limit_breach
from subject.diagnosis.problems import Problem, diagnose
from tests.unit.subject.builders import (
    AWAY,
    CONNECTED,
    START,
    THRESHOLDS,
    NodeScript,
    always,
    cluster,
    even,
    policies,
    record,
    snapshot,
    steps,
)
from tests.unit.subject.scenes import SCENES, crowd, evicting, flooded, lives, together, without_redis


def problem(code: str, found: Snapshot) -> Problem:
    """The problem with this cause."""
    return next(one for one in diagnose(found, THRESHOLDS).problems if one.finding.code == code)


def causes(code: str, found: Snapshot) -> tuple[Cause, ...]:
    return problem(code, found).causes


@pytest.mark.parametrize("code", SCENES)
def test_each_code_has_some_causes_with_reasons_and_the_first_is_the_likely_one(code: str) -> None:
    found = problem(code, SCENES[code]())

    assert 2 <= len(found.causes) <= 4
    assert found.finding.likely_cause == found.causes[0].text
    assert found.causes[0].speaks_for
    assert [cause.confidence for cause in found.causes] == sorted(
        (cause.confidence for cause in found.causes), reverse=True
    )
    for cause in found.causes:
        assert cause.text
        assert not cause.text.endswith(".")
        assert all(told and not told.endswith(".") for told in (*cause.speaks_for, *cause.speaks_against))


def test_each_code_has_a_scene() -> None:
    assert set(SCENES) == set(BY_CODE)


@pytest.mark.parametrize("code", SCENES)
def test_what_to_do_and_what_to_look_at_are_commands_that_there_are(code: str) -> None:
    found = problem(code, SCENES[code]()).finding

    assert found.suggested_action != found.verify_with
    for line in (found.suggested_action, found.verify_with):
        is_runnable(line)


def is_runnable(line: str) -> None:
    """By the subject's own parser, or by what is known of the program."""
    program, *rest = [word for word in shlex.split(line) if not word.startswith("SUBJECT_NODES=")]
    match program:
        case "subject":
            parser.build().parse_args(rest)
        case "gateway":
            assert rest == ["--check"]
        case "curl":
            assert rest[:-1] == ["-s"]
            assert rest[-1].startswith("http://127.0.0.1:100")
            assert rest[-1].rpartition("/")[2] in {"readyz", "state"}
        case "redis-cli":
            assert rest[:2] == ["-u", "$REDIS_URL"]
            assert rest[2] in {"TIME", "INFO", "HDEL", "HKEYS", "HLEN", "RENAME"}
        case _:
            pytest.fail(f"{program} is no program that there is")


def test_a_name_that_a_shell_would_run_is_one_word_of_the_command() -> None:
    name = "x; touch y $(z) `w`"
    nodes = even(always(60), clients={name: always(20)}, refused_clients={name: always(9)}, refused=always(9))
    (found,) = limit_breach(cluster(*nodes, seconds=30), THRESHOLDS)

    assert shlex.split(found.suggested_action) == ["subject", "limits", "get", name]
    assert shlex.split(found.verify_with) == ["subject", "why", name]


def test_a_slow_redis_is_its_own_load_or_the_way_by_the_subjects_own_round_trip() -> None:
    nodes = even(always(60), round_trip_ms=steps((0, 1), (50, 80)))
    quick = causes("store_slow", cluster(*nodes, seconds=60))
    slow = causes(
        "store_slow", cluster(*nodes, seconds=60, redis=replace(CONNECTED, round_trip_seconds=0.078))
    )

    assert "network" in quick[0].text
    assert "a round trip from here to Redis takes 0.4 ms" in quick[0].speaks_for
    assert "Redis is loaded" in slow[0].text
    assert "a round trip from here to Redis takes 78 ms" in slow[0].speaks_for
    (network,) = [cause for cause in slow if "network" in cause.text]
    assert "a round trip from here to Redis takes 78 ms" in network.speaks_against


def test_nodes_that_are_short_of_processor_wait_for_themselves() -> None:
    nodes = even(always(60), round_trip_ms=steps((0, 1), (50, 160)), cpu_seconds_per_second=0.97)
    records = [replace(one, loop_lag_seconds=0.12) for node in nodes for one in node.records(60)]
    first = causes("store_slow", snapshot(records))[0]

    assert "short of processor" in first.text
    assert any("97 % of a processor" in told for told in first.speaks_for)
    assert any("120 ms" in told for told in first.speaks_for)


def test_a_node_of_several_workers_may_use_a_processor_for_each() -> None:
    slow = steps((0, 1), (50, 80))
    one, four = (
        cluster(
            *even(always(60), round_trip_ms=slow, cpu_seconds_per_second=0.97, workers=workers), seconds=60
        )
        for workers in (1, 4)
    )
    (busy,) = [cause for cause in causes("store_slow", one) if "short of processor" in cause.text]
    (idle,) = [cause for cause in causes("store_slow", four) if "short of processor" in cause.text]

    assert any("97 % of a processor" in told for told in busy.speaks_for)
    assert any("24 % of each of 4 processors" in told for told in idle.speaks_against)


def test_redis_is_stopped_where_nobody_reaches_it() -> None:
    first = causes("store_down", without_redis())[0]

    assert first.text == "Redis is stopped or cut off (connection refused): start it again"
    assert "2 of 2 nodes that answer decide without it" in first.speaks_for


def test_it_is_the_subjects_own_way_where_nodes_still_decide_by_redis() -> None:
    records = [one for node in even(always(60)) for one in node.records(60)]
    answering = [
        replace(one, at=one.at + 1, sequence=one.sequence + 1) for one in records if one.at >= START + 60
    ]
    first = causes("store_down", snapshot(records, answering=answering, redis=AWAY))[0]

    assert "the subject's own way" in first.text
    assert "3 of 3 nodes decide by Redis" in first.speaks_for


def test_what_nodes_say_is_the_cause() -> None:
    nodes = even(always(60), fallbacks=steps((0, 0), (50, 20)))
    records = [
        replace(one, store=replace(one.store, trouble="OOM: Redis is full"))
        for node in nodes
        for one in node.records(60)
    ]

    assert causes("store_down", snapshot(records))[0].text == "as node-3 says: OOM: Redis is full"


def test_evictions_are_too_little_room_something_else_or_new_clients() -> None:
    def evicted(used: int, nodes: list[NodeScript]) -> str:
        records = evicting(together(*(node.records(60) for node in nodes)))
        redis = replace(CONNECTED, used_bytes=used, maximum_bytes=used + 1000)
        found = snapshot(records, redis=redis)
        return next(
            one.causes[0].text
            for one in diagnose(found, THRESHOLDS).problems
            if one.finding.code == "store_evicting"
        )

    many = [
        replace(node, newcomers=lambda second: [f"c-{n}" for n in range(3000)] if second == 0 else [])
        for node in even(always(60))
    ]
    assert "maxmemory is too small" in evicted(4_000_000, many)
    assert "something else fills" in evicted(900_000_000, even(always(60)))


def test_nodes_that_go_silent_together_share_a_host_or_a_network() -> None:
    nodes = even(always(60), nodes=4)
    one = snapshot(together(*(node.records(60) for node in nodes[:3]), nodes[3].records(50)))
    three = snapshot(together(nodes[0].records(60), *(node.records(50) for node in nodes[1:])))

    assert "its process ended" in causes("node_down", one)[0].text
    assert "3 other nodes go on" in causes("node_down", one)[0].speaks_for
    assert "their host, or the network" in causes("node_down", three)[0].text
    assert any("3 nodes went silent within 5 s" in told for told in causes("node_down", three)[0].speaks_for)


def test_a_node_flaps_since_it_ends_or_since_it_is_not_heard() -> None:
    steady = NodeScript("node-1", always(20), phase=0.3).records(100)
    silent = {*range(50, 55), *range(65, 70), *range(80, 85)}
    unheard = NodeScript("node-2", always(20)).records(100, lost=silent)

    assert "ends soon after its start" in causes("node_flapping", SCENES["node_flapping"]())[0].text
    assert "its way to Redis" in causes("node_flapping", snapshot([*steady, *unheard]))[0].text


def test_a_conflict_of_a_moment_is_a_replacement_and_a_lasting_one_a_copied_name() -> None:
    steady = NodeScript("node-1", always(20), phase=0.3).records(115)
    lasting = snapshot([*steady, *lives("node-2", (0, 115), (20, 115))])

    assert "was replaced" in causes("node_id_conflict", SCENES["node_id_conflict"]())[0].text
    assert "was copied" in causes("node_id_conflict", lasting)[0].text


def test_a_reload_that_failed_is_the_cause_of_a_drift() -> None:
    nodes = [
        record(
            f"node-{n}",
            START + 60,
            reloads=Reloads(1, failed=int(n == 2), problem="no such plan" if n == 2 else ""),
        )
        for n in (1, 2, 3)
    ]
    first = causes("config_drift", snapshot(nodes, digests={"node-2": "1" * 16}))[0]

    assert first.text == "node-2 could not read its files anew"
    assert first.speaks_for == ("no such plan",)


@pytest.mark.parametrize(("step", "text"), [(-4.5, "was set by hand"), (-0.2, "nothing sets the clock")])
def test_a_clock_was_set_or_drifts_by_its_largest_step(step: float, text: str) -> None:
    records = together(*(node.records(60) for node in even(always(60))))
    skewed = (
        replace(one, clock_skew_seconds=max(-4.5, step * max(0.0, one.at - START - 30)))
        if one.node_id == "node-2"
        else one
        for one in records
    )

    assert text in causes("clock_skew", snapshot(skewed))[0].text


def test_a_skew_is_the_load_balancers_or_one_clients() -> None:
    alone = [
        NodeScript(f"node-{n}", rate, phase=n / 4)
        for n, rate in ((1, always(2)), (2, always(90)), (3, always(2)))
    ]
    client = [
        NodeScript("node-1", always(20)),
        NodeScript("node-2", always(80), clients={"acme": always(45), "other": always(30)}),
        NodeScript("node-3", always(20)),
    ]

    assert "one node only" in causes("node_skew", cluster(*alone, seconds=30))[0].text
    assert "long-lived connections" in causes("node_skew", cluster(*client, seconds=30))[0].text


def test_a_spike_of_one_client_is_its_retries_or_its_work_and_rather_somebody_else_if_it_is_new() -> None:
    def spike(acme: int, refused: int) -> dict[str, float]:
        nodes = crowd(steps((0, acme), (60, 60)), steps((0, 0), (60, refused)), each=2, others=15)
        found = causes("spike_single", cluster(*nodes, seconds=63))
        return {cause.text: cause.confidence for cause in found}

    misused = "acme's key is being misused"
    assert next(iter(spike(1, 0))) == "acme runs a batch"
    assert next(iter(spike(1, 40))) == "acme is in a retry loop"
    assert spike(0, 0)[misused] > 2 * spike(1, 0)[misused]


@pytest.mark.parametrize(("changed", "text"), [(True, "was lowered"), (False, "does not keep to its limit")])
def test_a_limit_that_was_just_lowered_is_the_cause_of_a_breach(changed: bool, text: str) -> None:
    known = policies()
    if changed:
        live = {"acme": Override(parse_limits("10/m"), "ann", START + 45, why="noisy")}
        known = replace(known, overrides=Overrides(live))
    nodes = crowd(always(5), refused=steps((0, 0), (50, 3)))
    first = causes("limit_breach", cluster(*nodes, seconds=60, policies=known))[0]

    assert text in first.text
    assert any("ann gave it 10/m" in told for told in first.speaks_for) is changed


def test_a_live_limit_that_has_just_come_to_its_end_is_the_cause_of_a_breach() -> None:
    ended = {"acme": Override(parse_limits("1000/m"), "ann", START - 600, until=START + 48)}
    nodes = crowd(always(5), refused=steps((0, 0), (50, 3)))

    first = causes("limit_breach", cluster(*nodes, seconds=60, policies=replace(policies(), ended=ended)))[0]

    assert "its live limit of 1000/m came to its end shortly before" in first.speaks_for


def test_a_limit_that_was_changed_after_a_breach_began_is_told_and_no_cause() -> None:
    live = {"acme": Override(parse_limits("1000/m"), "ann", START + 55, why="launch")}
    nodes = crowd(always(5), refused=steps((0, 0), (50, 3)))
    known = replace(policies(), overrides=Overrides(live))

    ranked = causes("limit_breach", cluster(*nodes, seconds=60, policies=known))

    told = [fact for cause in ranked for fact in (*cause.speaks_for, *cause.speaks_against)]
    assert "ann gave it 1000/m only after it began (launch)" in told
    assert "was lowered" not in ranked[0].text


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (lambda n: Upstream(20 * n, 5 * n), "errors of its own"),
        (lambda n: Upstream(15 * n, 0, broken=5 * n), "is stopped, cannot be reached"),
        (lambda n: Upstream(15 * n, 0, 0, timed_out=5 * n), "hangs"),
    ],
)
def test_how_the_service_fails_tells_why(kind: Callable[[int], Upstream], text: str) -> None:
    records = together(*(node.records(60) for node in even(always(60))))
    failing = (
        replace(one, upstream=kind(one.sequence - 40) if one.sequence > 40 else Upstream()) for one in records
    )

    assert text in causes("upstream_degraded", snapshot(failing))[0].text


def test_a_late_service_is_loaded() -> None:
    found = cluster(*even(always(60), upstream_ms=steps((0, 20), (50, 600))), seconds=60)

    assert "loaded" in causes("upstream_degraded", found)[0].text


def test_a_big_client_that_stops_is_the_drop() -> None:
    big, rest = steps((0, 36), (50, 0)), {f"client-{n}": always(1) for n in range(3)}
    nodes = even(lambda second: 3 * (big(second) + 1), clients={"acme": big, **rest})
    first = causes("traffic_drop", cluster(*nodes, seconds=60))[0]

    assert first.text == "a big client that stopped"
    assert any(told.startswith("acme sends 105 a second less") for told in first.speaks_for)


def test_a_broad_spike_is_new_users_or_the_old_ones() -> None:
    clients = {f"client-{n}": steps((0, 1), (60, 5)) for n in range(18)}
    old = cluster(*even(steps((0, 54), (60, 270)), clients=clients), seconds=66)

    assert "job or a deployment" in causes("spike_broad", old)[0].text


def test_fresh_keys_that_each_ask_once_are_made_up() -> None:
    assert "makes up keys" in causes("cardinality_attack", cluster(*flooded(always(70)), seconds=58))[0].text


def test_who_sees_nothing_is_told_what_is_away() -> None:
    empty = snapshot([])
    assert "started yet" in causes("observer_blind", empty)[0].text
    assert "between here and the cluster" in causes("observer_blind", SCENES["observer_blind"]())[0].text


def test_a_store_that_only_one_node_cannot_reach_is_that_nodes_way() -> None:
    first = causes("fallback_active", SCENES["fallback_active"]())[0]

    assert first.text == "the way from node-3 to Redis"
    assert "2 other nodes decide by Redis" in first.speaks_for


def test_a_node_is_known_to_be_there_by_its_address_alone() -> None:
    answering = [record("node-1", START + 61, store=Store(False), sequence=99)]
    seen = snapshot([], START + 61, answering=answering, redis=AWAY)
    found = replace(seen, unanswered=("10.0.0.9:9080",))

    assert "that node ended" in causes("node_down", found)[0].text


def test_a_redis_that_refuses_is_told_by_its_own_words_and_what_to_do() -> None:
    records = [one for node in even(always(60)) for one in node.records(60)]
    refusing = replace(AWAY, problem="Authentication required", refuses=True)
    seen = snapshot(records, answering=[one for one in records if one.at >= START + 60], redis=refusing)
    blind = snapshot([], redis=replace(AWAY, problem="no such thing", refuses=True))

    assert causes("store_down", seen)[0].text == (
        "Redis refuses: it asks for a password: write it into REDIS_URL, as :PASSWORD@HOST "
        "(Authentication required)"
    )
    assert causes("observer_blind", blind)[0].text == "Redis refuses: no such thing; see REDIS_URL"


def test_where_no_node_is_known_it_is_said_what_to_set() -> None:
    assert "SUBJECT_NODES" in causes("observer_blind", snapshot([], redis=AWAY))[0].text


def test_clocks_that_agree_with_each_other_are_not_what_is_wrong() -> None:
    records = together(*(node.records(60) for node in even(always(60))))
    skewed = snapshot(replace(one, clock_skew_seconds=30.0) for one in records)

    assert "Redis' host" in causes("clock_skew", skewed)[0].text


def test_failures_of_one_node_alone_are_of_its_way() -> None:
    nodes = [
        NodeScript("node-1", always(20)),
        NodeScript("node-2", always(20), phase=0.3),
    ]
    records = together(nodes[0].records(60), nodes[1].records(60))
    broken = (
        replace(one, upstream=Upstream(20 * one.sequence, broken=15 * max(0, one.sequence - 50)))
        if one.node_id == "node-2"
        else one
        for one in records
    )

    first = causes("upstream_degraded", snapshot(broken))[0]
    assert first.text == "the way from node-2 to it, as the other nodes get answers"


@pytest.mark.parametrize(("malformed", "text"), [(1, "by hand"), (7, "something that is no subject")])
def test_one_malformed_field_was_written_by_hand_and_many_by_a_program(malformed: int, text: str) -> None:
    refused = LiveChanges(malformed=malformed, names=("limit:acme",), since=START + 50)
    records = together(*(node.records(60) for node in even(always(60))))
    found = snapshot(replace(one, overrides=refused) for one in records)

    assert text in causes("override_malformed", found)[0].text
