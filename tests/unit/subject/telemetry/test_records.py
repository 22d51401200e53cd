import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract import sketches
from gateway.contract.records import ClientCount, RecordError, RosterEntry, TelemetryRecord, decode, encode
from subject.telemetry import records
from subject.telemetry.unread import Unread
from tests.contract.examples import POLICY_TABLE, ROSTER_ENTRY, TELEMETRY
from tests.unit.contract.any_record import json_values, values_of

NUMBERS = ("7", "-0", "7.0", "1e3", "1e300", "NaN", "-Infinity", "9223372036854775807", "9223372036854775808")
ODD = (
    *NUMBERS,
    "true",
    "null",
    '"x"',
    '"\\ud800"',
    "[]",
    "{}",
    "[1]",
    '[[1,"x"]]',
    '[["x",1,2,3]]',
    '["ab"]',
)


def read(decode: Any, kind: Any, text: str | bytes) -> str:
    """The record with all its types, or why it is none."""
    try:
        return repr(decode(kind, text))
    except RecordError as error:
        return f"refused: {error}"


def same(kind: Any, text: str | bytes) -> bool:
    return read(records.decode, kind, text) == read(decode, kind, text)


@given(values_of(TelemetryRecord))
@settings(max_examples=200)
def test_a_record_reads_as_the_contract_says(record: TelemetryRecord) -> None:
    text = encode(record)

    assert same(TelemetryRecord, text)
    assert same(TelemetryRecord, text.encode())
    assert records.decode(TelemetryRecord, text) == record


@pytest.mark.parametrize("record", [TELEMETRY, ROSTER_ENTRY, POLICY_TABLE])
def test_every_example_reads_back(record: Any) -> None:
    assert records.decode(type(record), encode(record)) == record


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of all values within a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in inner for found in paths(item, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    if not path:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], by)
    return copy


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("record", [TELEMETRY, ROSTER_ENTRY], ids=["record", "entry"])
def test_what_is_odd_anywhere_in_it_is_judged_alike(record: Any, odd: str) -> None:
    document = json.loads(encode(record))
    for path in paths(document):
        text = json.dumps(replaced(document, path, "ODD")).replace('"ODD"', odd)

        assert same(type(record), text), text


@given(st.data())
@settings(max_examples=300)
def test_whatever_stands_in_it_is_judged_alike(data: st.DataObject) -> None:
    document = json.loads(encode(ROSTER_ENTRY))
    path = data.draw(st.sampled_from(paths(document)))

    assert same(RosterEntry, json.dumps(replaced(document, path, data.draw(json_values))))


@given(st.text() | st.binary())
def test_any_text_is_judged_alike(text: str | bytes) -> None:
    assert same(TelemetryRecord, text)


def test_a_name_that_stands_twice_counts_as_the_contract_says() -> None:
    text = encode(TELEMETRY)
    for twice in ('{"at":1.5,' + text[1:], text[:-1] + ',"at":1.5}', text[:-1] + ',"at":"x"}'):
        assert same(TelemetryRecord, twice)


FIRST, BEHIND, END = ',"latency":', ',"in_flight":', '"workers":2}'
NESTED = {FIRST: ',"inner":{"x":0,"latency":', BEHIND: ',"in_flight":1},"in_flight":'}
PLACES: tuple[dict[str, str], ...] = (
    {FIRST: ',"latency":[[7,7]],"latency":'},
    {FIRST: ',"l\\u0061tency":[],"latency":'},
    {END: '"workers":2,"latency":[[7,7]]}'},
    {END: '"workers":2,"l\\u0061tency":[[7,7]]}'},
    {END: '"workers":2,"latency":[["x",7]]}'},
    NESTED,
    NESTED | {BEHIND: ',"in_flight":1},"in_fl\\u0069ght":'},
    {FIRST: ',"x":"",latency":', BEHIND: '","in_flight":'},
    {FIRST: ',"latency": '},
    {BEHIND: ',"later":0,"in_flight":'},
    {BEHIND: '\n,"in_flight":'},
    {BEHIND: ',"out_flight":', '"node_id"': '"in_flight":4,"node_id"'},
    *(
        {FIRST + "[": f"{FIRST}[{odd},"}
        for odd in ("[01,1]", "[-1,1]", f"[1,{10**18 - 1}]", f"[1,{10**19}]", "[1,2,3]", "[1,٣]", "[1,2]\n")
    ),
)


@pytest.mark.parametrize("places", PLACES, ids=str)
def test_histograms_that_stand_elsewhere_or_are_odd_are_judged_alike(places: dict[str, str]) -> None:
    text = encode(TELEMETRY)
    for usual, odd in places.items():
        assert usual in text
        text = text.replace(usual, odd)

    assert same(TelemetryRecord, text), text


@given(values_of(TelemetryRecord))
@settings(max_examples=50)
def test_a_record_that_was_read_is_written_as_it_was(record: TelemetryRecord) -> None:
    text = encode(record)

    assert encode(records.decode(TelemetryRecord, text)) == text


def test_histograms_are_left_unread_until_somebody_asks() -> None:
    read = records.decode(TelemetryRecord, encode(TELEMETRY))
    found: Any = read.latency

    assert type(found) is Unread
    assert found == TELEMETRY.latency == found
    assert sketches.histogram_difference(read.latency, ()) == TELEMETRY.latency
    assert (len(found), found[0], found[-1:]) == (2, TELEMETRY.latency[0], TELEMETRY.latency[-1:])
    assert hash(read) == hash(TELEMETRY)


def test_what_is_read_is_of_the_contracts_types() -> None:
    read = records.decode(TelemetryRecord, encode(TELEMETRY))

    assert all(type(entry) is ClientCount for entry in read.busiest)
    assert type(read.boot) is type(TELEMETRY.boot)
