import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import MISSING, Field, dataclass, fields, replace
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract import sketches
from gateway.contract.limits import Limits, parse_limits
from gateway.contract.overrides import Override
from gateway.contract.policy_table import PolicyTable
from gateway.contract.records import RecordError, RosterEntry, TelemetryRecord, Totals, decode, encode
from tests.contract.examples import OVERRIDE, POLICY_TABLE, RECORDS, ROSTER_ENTRY, TELEMETRY
from tests.unit.contract.any_record import json_values, kinds, values_of


@given(kinds.flatmap(values_of))
def test_every_record_reads_back_as_it_was(record: Any) -> None:
    assert decode(type(record), encode(record)) == record
    assert decode(type(record), encode(record).encode()) == record


@pytest.mark.parametrize("record", RECORDS)
def test_every_example_reads_back_with_the_types_it_had(record: Any) -> None:
    assert repr(decode(type(record), encode(record))) == repr(record)


def without(document: Any, path: tuple[str, ...]) -> str:
    inner = document
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return json.dumps(document)


def is_needed(item: "Field[Any]") -> bool:
    return item.default is MISSING and item.default_factory is MISSING


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_without_a_field_that_it_needs_is_refused_by_name(record: Any) -> None:
    for item in filter(is_needed, fields(record)):
        with pytest.raises(RecordError, match=f"not a {type(record).__name__}: {item.name} is missing"):
            decode(type(record), without(json.loads(encode(record)), (item.name,)))


def test_a_missing_field_within_another_is_refused_with_its_place() -> None:
    text = without(json.loads(encode(ROSTER_ENTRY)), ("last", "store", "connected"))

    with pytest.raises(RecordError, match="not a RosterEntry: last: store: connected is missing"):
        decode(RosterEntry, text)


def test_a_missing_field_that_has_a_default_is_that() -> None:
    text = without(json.loads(encode(TELEMETRY)), ("boot", "refused"))
    assert decode(TelemetryRecord, text).boot == replace(TELEMETRY.boot, refused=0)

    text = without(json.loads(encode(OVERRIDE)), ("why",))
    assert decode(Override, text) == replace(OVERRIDE, why=None)


def wrong_values(hint: Any) -> Iterator[Any]:
    """Values that no field of this type may have."""
    samples: list[Any] = [None, True, 7, 7.5, "text", [], {}, [[]], [None], [[1, "x"]]]
    samples += [float("nan"), float("inf"), 10**30, "\ud800"]
    right: dict[Any, Callable[[Any], bool]] = {
        str: lambda value: value == "text",
        int: lambda value: value == 7 and value is not True,
        float: lambda value: value in (7, 7.5) and value is not True,
        bool: lambda value: value is True,
        str | None: lambda value: value in (None, "text"),
        int | None: lambda value: value in (None, 7) and value is not True,
        float | None: lambda value: value in (None, 7, 7.5) and value is not True,
        Limits | None: lambda value: value is None,
    }
    for value in samples:
        if hint in right:
            if not right[hint](value):
                yield value
        elif value not in ([], {}):
            yield value


@pytest.mark.parametrize("record", RECORDS)
def test_a_field_of_another_type_is_refused_by_name(record: Any) -> None:
    hints = get_type_hints(type(record))
    for item in fields(record):
        for value in wrong_values(hints[item.name]):
            text = json.dumps(json.loads(encode(record)) | {item.name: value})
            with pytest.raises(RecordError, match=f"not a {type(record).__name__}: {item.name}: "):
                decode(type(record), text)


@pytest.mark.parametrize("record", RECORDS)
@given(unknown=st.dictionaries(st.text().map("x-{}".format), json_values, max_size=3))
def test_fields_of_another_version_are_ignored(record: Any, unknown: dict[str, Any]) -> None:
    text = json.dumps(json.loads(encode(record)) | unknown)

    assert decode(type(record), text) == record


def test_a_client_count_of_another_length_is_refused() -> None:
    for count in ([], ["acme", 1], ["acme", 1, 0, 0], {"client": "acme", "units": 1, "error": 0}):
        document = json.loads(encode(TELEMETRY)) | {"busiest": [count]}
        with pytest.raises(RecordError, match="not a TelemetryRecord: busiest: "):
            decode(TelemetryRecord, json.dumps(document))


def test_a_table_that_contradicts_itself_is_refused() -> None:
    document = json.loads(encode(POLICY_TABLE)) | {"plans": {}}

    with pytest.raises(RecordError, match="has the plan 'gold', which is not there"):
        decode(PolicyTable, json.dumps(document))


@given(kinds, json_values.map(json.dumps) | st.text())
def test_any_text_is_a_record_or_a_record_error(kind: type, text: str) -> None:
    with suppress(RecordError):
        assert isinstance(decode(kind, text), kind)


@given(kinds, st.binary() | st.text().map(lambda text: text.encode("utf-16")))
def test_any_bytes_are_a_record_or_a_record_error(kind: type, data: bytes) -> None:
    with suppress(RecordError):
        assert isinstance(decode(kind, data), kind)


@given(st.data(), st.sampled_from(RECORDS))
@settings(max_examples=300)
def test_a_record_with_anything_in_a_field_is_a_record_or_a_record_error(
    data: st.DataObject, record: Any
) -> None:
    document = json.loads(encode(record))
    document[data.draw(st.sampled_from(sorted(document)))] = data.draw(json_values)

    with suppress(RecordError):
        assert isinstance(decode(type(record), json.dumps(document)), type(record))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"limit":' + "[" * 100_000,
        '{"at":' + "9" * 5000 + "}",
        '{"at":NaN}',
        b"\xff\xfe\x00",
        b"\x00\x00\xfe\xff\xff",
        b'{"by":"\xff"}',
        "\ufeff{}",
    ],
)
def test_hostile_texts_are_refused_in_a_short_message(text: str | bytes) -> None:
    with pytest.raises(RecordError) as refused:
        decode(Override, text)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("at", ["NaN", "Infinity", "-Infinity", "1e999", "1e300", "1" + "0" * 400])
def test_a_number_that_nobody_can_count_with_is_refused(at: str) -> None:
    with pytest.raises(RecordError, match=r"at: .* is no number of a usual size"):
        decode(Override, '{"limit":"5/s","by":"ana","at":' + at + "}")


@pytest.mark.parametrize(
    "record",
    [
        replace(OVERRIDE, at=float("nan")),
        replace(OVERRIDE, at=float("inf")),
        replace(OVERRIDE, by="\udcff"),
        replace(POLICY_TABLE, plans=POLICY_TABLE.plans | {"\udcff": parse_limits("1/s")}),
    ],
)
def test_what_could_not_be_read_back_is_not_written(record: Any) -> None:
    with pytest.raises(RecordError, match=f"a {type(record).__name__} that cannot be written"):
        encode(record)


@given(values_of(TelemetryRecord), values_of(TelemetryRecord))
def test_whatever_record_can_be_read_can_be_evaluated(
    later: TelemetryRecord, earlier: TelemetryRecord
) -> None:
    added = sketches.histogram_difference(later.latency, earlier.latency)
    p99 = sketches.quantile_seconds(sketches.histogram_sum([added, later.latency]), 0.99)

    assert p99 is None or p99 > 0
    assert sketches.estimate_clients(sketches.merge_sketches([later.clients, earlier.clients])) >= 0
    assert isinstance(later.boot - earlier.boot, Totals)


@dataclass(frozen=True, slots=True)
class Sample:
    by_name: dict[str, tuple[int, ...]]
    pair: tuple[int, str]
    maybe: Limits | None = None


def test_a_new_record_may_be_made_of_the_same_parts() -> None:
    sample = Sample({"a": (1, 2), "b": ()}, (3, "x"), parse_limits("5/m,1/s"))

    assert encode(sample) == '{"by_name":{"a":[1,2],"b":[]},"pair":[3,"x"],"maybe":"1/s,5/m"}'
    assert decode(Sample, encode(sample)) == sample


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63) + 1, 2**53 + 1, 9.2e18])
def test_a_number_that_is_read_can_be_written_and_read_again(number: float) -> None:
    override = Override(parse_limits("1/s"), "ana", 0.0)
    text = encode(override).replace('"at":0.0', f'"at":{number}')
    try:
        read = decode(Override, text)
    except RecordError:
        return
    assert decode(Override, encode(read)) == read
