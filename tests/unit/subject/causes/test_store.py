"""Why Redis is slow, down, full or left out, and why a live change cannot be read."""

from dataclasses import replace

import pytest

from gateway.contract.records import LiveChanges
from tests.unit.subject.builders import (
    AWAY,
    CONNECTED,
    START,
    NodeScript,
    always,
    cluster,
    even,
    snapshot,
    steps,
)
from tests.unit.subject.causes.told import causes
from tests.unit.subject.scenes import SCENES, evicting, together, without_redis


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
        return causes("store_evicting", snapshot(records, redis=redis))[0].text

    many = [
        replace(node, newcomers=lambda second: [f"c-{n}" for n in range(3000)] if second == 0 else [])
        for node in even(always(60))
    ]
    assert "maxmemory is too small" in evicted(4_000_000, many)
    assert "something else fills" in evicted(900_000_000, even(always(60)))


def test_a_store_that_only_one_node_cannot_reach_is_that_nodes_way() -> None:
    first = causes("fallback_active", SCENES["fallback_active"]())[0]

    assert first.text == "the way from node-3 to Redis"
    assert "2 other nodes decide by Redis" in first.speaks_for


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


@pytest.mark.parametrize(("malformed", "text"), [(1, "by hand"), (7, "something that is no subject")])
def test_one_malformed_field_was_written_by_hand_and_many_by_a_program(malformed: int, text: str) -> None:
    refused = LiveChanges(malformed=malformed, names=("limit:acme",), since=START + 50)
    records = together(*(node.records(60) for node in even(always(60))))
    found = snapshot(replace(one, overrides=refused) for one in records)

    assert text in causes("override_malformed", found)[0].text
