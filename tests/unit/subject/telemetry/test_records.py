import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract import codec
from gateway.contract.codec import RecordError
from gateway.contract.roster import RosterEntry
from gateway.contract.telemetry import ClientCount, TelemetryRecord
from subject.telemetry import records
from tests.contract.examples import POLICY_TABLE, ROSTER_ENTRY, TELEMETRY
from tests.unit.contract.test_codec import json_values, values_of

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
    return read(records.decode, kind, text) == read(codec.decode, kind, text)


@given(values_of(TelemetryRecord))
@settings(max_examples=200)
def test_a_record_reads_as_the_contract_says(record: TelemetryRecord) -> None:
    text = codec.encode(record)

    assert same(TelemetryRecord, text)
    assert same(TelemetryRecord, text.encode())
    assert records.decode(TelemetryRecord, text) == record


@pytest.mark.parametrize("record", [TELEMETRY, ROSTER_ENTRY, POLICY_TABLE])
def test_every_example_reads_back(record: Any) -> None:
    assert records.decode(type(record), codec.encode(record)) == record


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
    document = json.loads(codec.encode(record))
    for path in paths(document):
        text = json.dumps(replaced(document, path, "ODD")).replace('"ODD"', odd)

        assert same(type(record), text), text


@given(st.data())
@settings(max_examples=300)
def test_whatever_stands_in_it_is_judged_alike(data: st.DataObject) -> None:
    document = json.loads(codec.encode(ROSTER_ENTRY))
    path = data.draw(st.sampled_from(paths(document)))

    assert same(RosterEntry, json.dumps(replaced(document, path, data.draw(json_values))))


@given(st.text() | st.binary())
def test_any_text_is_judged_alike(text: str | bytes) -> None:
    assert same(TelemetryRecord, text)


def test_a_name_that_stands_twice_counts_as_the_contract_says() -> None:
    text = codec.encode(TELEMETRY)
    for twice in ('{"at":1.5,' + text[1:], text[:-1] + ',"at":1.5}', text[:-1] + ',"at":"x"}'):
        assert same(TelemetryRecord, twice)


def test_what_is_read_is_of_the_contracts_types() -> None:
    read = records.decode(TelemetryRecord, codec.encode(TELEMETRY))

    assert all(type(entry) is ClientCount for entry in read.busiest)
    assert type(read.boot) is type(TELEMETRY.boot)
