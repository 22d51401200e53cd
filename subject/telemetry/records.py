"""Reads what nodes write, in a fifth of the time that `gateway.contract.records` takes.

A first look at a big cluster reads some seven thousand records, and that is most of what it takes. The
contract says what a record is, in Python alone. Here the same dataclasses become a schema of pydantic's core,
and what that does not take as it stands, the contract judges; so there is no text of which the two say
different things.

More than half of a record are its histograms, of which a look needs those of the last seconds: of the others
it is only made sure that they are some (`Unread`). Read whole, seven thousand records take twice as long.
"""

import types
from collections.abc import Collection
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from pydantic_core import CoreSchema, SchemaValidator, core_schema

from gateway.contract import records as contract_records
from gateway.contract.records import MAX_INTEGER, RosterEntry, TelemetryRecord
from subject.telemetry.unread import WRITTEN, Unread

Record = TypeVar("Record")
QUICK = {TelemetryRecord, RosterEntry}
"""Those of which there are many."""
HISTOGRAMS = ("latency", "upstream_latency", "store_latency")
"""They stand together in a record, and before this:"""
BEHIND = "in_flight"

_SCALARS: dict[Any, CoreSchema] = {
    str: core_schema.str_schema(strict=True),
    bool: core_schema.bool_schema(strict=True),
    int: core_schema.int_schema(strict=True, ge=-MAX_INTEGER, le=MAX_INTEGER),
    float: core_schema.float_schema(strict=True, gt=-float(MAX_INTEGER), lt=float(MAX_INTEGER)),
}
_NOTHING = core_schema.with_default_schema(core_schema.is_instance_schema(object), default=())
"""What may not stand there."""


def decode(kind: type[Record], text: str | bytes) -> Record:
    """The record of class `kind` that `text` holds.

    Raises:
        RecordError: not JSON, or not this record.
    """
    if kind in QUICK:
        try:
            if kind is TelemetryRecord and isinstance(text, str) and (parts := _parted(text)) is not None:
                return cast(Record, _with_unread(*parts))
            return cast(Record, _validator(cast(Any, kind)).validate_json(text))
        except ValueError:
            pass  # the contract's decoder says why, or accepts it
    return contract_records.decode(kind, text)


def _parted(text: str) -> tuple[str, list[str]] | None:
    """A record without its histograms, and these; None where they do not stand there as nodes write them.

    Without a backslash no name is written in two ways, and no quotation mark is part of a string. So what is
    cut out has its place in the object that has `BEHIND`, which is the record if that has one at all.
    """
    start, end = text.find(f',"{HISTOGRAMS[0]}":'), text.find(f',"{BEHIND}":')
    written = text[start:end]
    rest = text[:start] + text[end:]
    if (
        not 0 < start < end
        or "\\" in text
        or rest.count(f'"{BEHIND}"') != 1
        or not _together().isinstance_python(written)
    ):
        return None
    found = []
    for name in reversed(HISTOGRAMS):
        written, _, histogram = written.partition(f',"{name}":')
        found.append(histogram)
    return rest, found[::-1]


def _with_unread(rest: str, histograms: list[str]) -> TelemetryRecord:
    record: TelemetryRecord = _rest().validate_json(rest)
    for name, text in zip(HISTOGRAMS, histograms, strict=True):
        object.__setattr__(record, name, Unread(text))  # nobody has it yet
    return record


@cache
def _together() -> SchemaValidator:
    """Of a record's histograms, as they stand in it."""
    written = "".join(f',"{name}":{WRITTEN}' for name in HISTOGRAMS)
    return SchemaValidator(core_schema.str_schema(pattern=f"^{written}$"))


@cache
def _rest() -> SchemaValidator:
    """Of a record without its histograms: what has another one is no such rest."""
    return SchemaValidator(_of_dataclass(TelemetryRecord, without=HISTOGRAMS))


@cache
def _validator(kind: type[Any]) -> SchemaValidator:
    return SchemaValidator(_schema(kind))


def _schema(hint: Any) -> CoreSchema:
    """Of all that stands in these records."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    if is_dataclass(hint):
        return _of_dataclass(hint)
    options = get_args(hint)
    if get_origin(hint) in (types.UnionType, Union):
        (inner,) = (option for option in options if option is not types.NoneType)
        return core_schema.nullable_schema(_schema(inner))
    if hasattr(hint, "_fields"):
        items = core_schema.tuple_schema([_schema(item) for item in get_type_hints(hint).values()])
        return core_schema.no_info_after_validator_function(hint._make, items)
    if options[1:] == (Ellipsis,):
        return core_schema.tuple_schema([_schema(options[0])], variadic_item_index=0)
    return core_schema.tuple_schema([_schema(item) for item in options])


def _of_dataclass(kind: Any, without: Collection[str] = ()) -> CoreSchema:
    hints = get_type_hints(kind)
    items = [
        core_schema.dataclass_field(
            item.name, _NOTHING if item.name in without else _of_field(item, hints[item.name])
        )
        for item in fields(kind)
    ]
    arguments = core_schema.dataclass_args_schema(kind.__name__, items)
    names = [item.name for item in fields(kind)]
    return core_schema.dataclass_schema(kind, arguments, names, slots=True, frozen=True)


def _of_field(item: "Field[Any]", hint: Any) -> CoreSchema:
    schema = _schema(hint)
    return (
        schema if item.default is MISSING else core_schema.with_default_schema(schema, default=item.default)
    )
