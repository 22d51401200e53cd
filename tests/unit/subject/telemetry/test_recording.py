import json
from dataclasses import replace

import pytest

from gateway.contract.limits import parse_limits
from gateway.contract.overrides import Override
from gateway.contract.records import AuditRecord
from subject.cluster.policies import Policies
from subject.cluster.snapshot import take
from subject.cluster.steps import Step
from subject.cluster.view import View
from subject.cluster.windows import ClientWindow
from subject.diagnosis.problems import diagnose
from subject.errors import UsageError
from subject.telemetry.recording import FORMAT, Recording, Writer, first_line
from subject.thresholds import Thresholds
from tests.unit.subject.builders import (
    AWAY,
    SAME,
    START,
    THRESHOLDS,
    always,
    even,
    policies,
    record,
    steps,
    view,
)
from tests.unit.subject.lasting import look

ENDED = Override(parse_limits("9/s"), "tester", START, "launch <b>day</b>", START + 10)


def published(**fields: object) -> Policies:
    """As they are read from Redis, where nodes have published their table."""
    found = policies(**fields)  # type: ignore[arg-type]  # those of the builder
    assert found.table is not None
    return Policies.of(found.overrides, found.table, {SAME: found.table}, {"acme": ENDED}, "")


def changed(number: int) -> Policies:
    """So many changes were made, one a second."""
    changes = (AuditRecord(START + n, "ann", "set", "acme", None, f"{n}/s", "launch") for n in range(number))
    return replace(published(), changes=tuple(changes), table_since=START - 7.0)


SPIKE = [one for node in even(steps((0, 60), (60, 400))) for one in node.records(70)]
VIEWS = {
    "healthy": view([one for node in even(always(60)) for one in node.records(30)]),
    "spike": view(SPIKE, policies=published(), windows=[ClientWindow("acme", "default", 3, 100, 60)]),
    "away": view([record("node-1")], redis=AWAY, answering=[record("node-2")], asked=["node-1"]),
    "limits": view(
        [record()],
        policies=published(
            clients={"acme": "5/s"}, overrides={"k_0123456789abcdef": "10/s,500/m"}, malformed=["limit:x\x1b"]
        ),
    ),
    "changed": view([record()], policies=changed(2)),
    "blind": view([], redis=AWAY, at=START, seen_at=START - 5),
    "unread": replace(view([record()]), unread_nodes=("node-9",), unreadable=("node node-9",)),
}


def text_of(*views: View) -> list[str]:
    writer = Writer()
    return [
        first_line(THRESHOLDS, "0.1.0"),
        *(text for one in views for text in writer.of_view(one)),
    ]


def read(lines: list[str], given: Thresholds = THRESHOLDS) -> list[View]:
    recording = Recording(given)
    return [found for text in lines if (found := recording.take(text)) is not None]


@pytest.mark.parametrize("name", VIEWS)
def test_a_look_is_read_as_it_was(name: str) -> None:
    (found,) = read(text_of(VIEWS[name]))

    assert replace(found, records=()) == replace(VIEWS[name], records=())
    assert set(found.records) == set(VIEWS[name].records)


@pytest.mark.parametrize("name", VIEWS)
def test_a_look_gives_the_same_findings(name: str) -> None:
    (found,) = read(text_of(VIEWS[name]))

    snapshot, again = (take(one, THRESHOLDS.node_down_seconds) for one in (VIEWS[name], found))

    assert again == snapshot
    assert diagnose(again, THRESHOLDS) == diagnose(snapshot, THRESHOLDS)


def test_what_lasts_for_longer_than_records_do_is_found_in_a_replay_too() -> None:
    nodes = even(always(60), round_trip_ms=steps((0, 1), (300, 30)), upstream_ms=steps((0, 20), (300, 600)))
    seen = look([one for node in nodes for one in node.records(500)], 499.9)
    (replayed,) = read(text_of(seen))

    was, again = (diagnose(take(one, THRESHOLDS.node_down_seconds), THRESHOLDS) for one in (seen, replayed))

    assert again == was
    assert {one.code for one in again.findings} == {"store_slow", "upstream_degraded"}


def test_each_change_is_written_once_and_a_look_knows_of_those_that_were_made_by_then() -> None:
    later = replace(changed(4), changes=(changed(4).changes or ())[2:])
    known = [changed(1), changed(3), later, published()]
    views = [replace(view([record()]), policies=one) for one in known]

    lines = text_of(*views)

    assert sum(text.startswith('{"change":') for text in lines) == 4
    assert [one.policies for one in read(lines)] == known


def test_a_recording_of_before_changes_were_told_has_none() -> None:
    header, *others, told = text_of(replace(view([record()]), policies=published()))
    document = json.loads(told)
    del document["look"]["changes"], document["look"]["table_since"]

    (found,) = read([header, *others, json.dumps(document, separators=(",", ":"))])

    assert found.policies == published()


def test_steps_of_an_earlier_version_are_read() -> None:
    nodes = even(always(60))
    seen = look([one for node in nodes for one in node.records(500)], 499.9)
    old = {"start": START, "requests": 600.0, "new_clients": 0.0, "clients": {}}

    (replayed,) = read([*text_of()[:1], json.dumps({"step": old}), *text_of(replace(seen, steps=()))[1:]])

    assert replayed.steps == (Step(START, 600.0, 0.0, {}),)


def test_steps_that_are_told_again_since_redis_clock_was_put_back_stand_in_for_those_of_before() -> None:
    def at(second: int, requests: float) -> View:
        found = tuple(Step(START + start, requests, 0.0, {}) for start in range(0, second - 20, 10))
        return replace(view([record()], START + second), steps=found)

    looks = (at(100, 600.0), at(110, 600.0), at(60, 700.0), at(70, 700.0))

    assert [found.steps for found in read(text_of(*looks))] == [one.steps for one in looks]


def test_a_record_and_a_table_are_written_once() -> None:
    last = record("node-1", START + 71.5, sequence=99, started_at=START)
    later = view([*SPIKE, last], policies=published())
    lines = text_of(VIEWS["spike"], later)

    kinds = [text.partition(":")[0] for text in lines]
    assert kinds.count('{"record"') == len(SPIKE) + 1
    assert kinds.count('{"table"') == 1
    assert [len(found.records) for found in read(lines)] == [len(SPIKE), len(SPIKE) + 1]


def test_no_text_in_it_makes_a_second_line() -> None:
    odd = view([record("node-\n1\x1b[2J\u2028")], policies=published(malformed=["limit:\n"]))

    lines = text_of(odd)

    assert all(text.count("\n") == 1 and text.endswith("\n") for text in lines)
    assert "\x1b" not in "".join(lines)
    assert read(lines)[0].records[0].node_id == "node-\n1\x1b[2J\u2028"


def test_the_thresholds_are_those_that_were_in_force_but_for_what_is_set() -> None:
    lines = [first_line(Thresholds(skew_ratio=3.0, breach_refused=7), "0.1.0")]
    recording, own = Recording(THRESHOLDS), Recording(Thresholds(skew_ratio=2.0))

    for one in (recording, own):
        one.take(lines[0])

    assert (recording.thresholds.skew_ratio, recording.thresholds.breach_refused) == (3.0, 7)
    assert (own.thresholds.skew_ratio, own.thresholds.breach_refused) == (2.0, 7)


def test_what_a_later_version_adds_is_left_out() -> None:
    lines = text_of(VIEWS["spike"])
    content = json.loads(lines[0])
    content["header"] |= {"host": "a", "thresholds": {**content["header"]["thresholds"], "new_one": 5.0}}
    lines[0] = json.dumps(content, separators=(",", ":"))

    assert len(read([*lines[:1], '{"remark":"x"}', *lines[1:]])) == 1


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["x"], "no line of a recording"),
        (['{"record":{}}'], "does not begin with the header"),
        (['{"header":{}}'], "format is missing"),
        (['{"header":{"format":"x","version":1,"written_by":"","thresholds":{}}}'], "something else"),
        (
            [f'{{"header":{{"format":"{FORMAT}","version":2,"written_by":"","thresholds":{{}}}}}}'],
            "version 2 of the format, and version 1 is what can be read",
        ),
        (
            [
                f'{{"header":{{"format":"{FORMAT}","version":1,"written_by":"",'
                '"thresholds":{"skew_ratio":-5}}}'
            ],
            "thresholds that cannot be",
        ),
        ([*text_of()[:1], '{"record":{"node_id":7}}'], "not a TelemetryRecord"),
        ([*text_of()[:1], '{"look":{"at":1},"x":{}}'], "not a Look"),
        ([*text_of()[:1], '{"look":' + "[" * 100_000 + "}"], "not a Look"),
    ],
)
def test_what_is_none_is_refused_in_words(lines: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read(lines)
