"""Records as JSON texts: frozen dataclasses of numbers, texts, limits, tuples, dicts and further records.

A reader ignores fields that it does not know, so that nodes of two versions can share a Redis; a field that
is missing or of another type makes the record unreadable, unless the dataclass gives it a default.
"""

import json
import types
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from gateway.contract.limits import Limit, parse_limit

Record = TypeVar("Record")


class RecordError(ValueError):
    """A text that is no such record."""


def encode(record: Any) -> str:
    """Compact JSON with the dataclass's field names."""
    return json.dumps(_plain(record), separators=(",", ":"), ensure_ascii=False)


def decode(kind: type[Record], text: str | bytes) -> Record:
    """The record of class `kind` that `text` holds.

    Raises:
        RecordError: not JSON, or not this record.
    """
    try:
        record: Record = _decoder(cast(Any, kind))(json.loads(text))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RecordError(f"not a {kind.__name__}: {error}") from None
    return record


def _plain(value: Any) -> Any:
    if isinstance(value, Limit):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


@cache
def _decoder(hint: Any) -> Callable[[Any], Any]:
    """A function that turns parsed JSON into a value of type `hint`, or raises ValueError."""
    origin = get_origin(hint)
    if hint is Limit:
        return lambda value: parse_limit(_scalar(str)(value))
    if is_dataclass(hint):
        return _dataclass_decoder(hint)
    if origin in (types.UnionType, Union):
        (inner,) = (_decoder(option) for option in get_args(hint) if option is not type(None))
        return lambda value: None if value is None else inner(value)
    if hasattr(hint, "_fields"):
        of_items = _tuple_decoder(tuple(get_type_hints(hint).values()))
        return lambda value: hint(*of_items(value))
    if origin is tuple:
        return _tuple_decoder(get_args(hint))
    if origin is dict:
        of_value = _decoder(get_args(hint)[1])
        return lambda value: {key: of_value(item) for key, item in _scalar(dict)(value).items()}
    return _scalar(hint)


def _scalar(kind: type) -> Callable[[Any], Any]:
    accepted = (int, float) if kind is float else (kind,)

    def check(value: Any) -> Any:
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(f"{value!r} is no {kind.__name__}")
        return value

    return check


def _tuple_decoder(hints: tuple[Any, ...]) -> Callable[[Any], Any]:
    if len(hints) == 2 and hints[1] is Ellipsis:
        item = _decoder(hints[0])
        return lambda value: tuple(item(element) for element in _scalar(list)(value))
    items = [_decoder(hint) for hint in hints]
    return lambda value: tuple(
        item(element) for item, element in zip(items, _scalar(list)(value), strict=True)
    )


def _dataclass_decoder(kind: Any) -> Callable[[Any], Any]:
    hints = get_type_hints(kind)
    plan = [
        (item.name, _decoder(hints[item.name]), item.default is MISSING and item.default_factory is MISSING)
        for item in fields(kind)
    ]

    def build(value: Any) -> Any:
        given = _scalar(dict)(value)
        return kind(
            **{name: decoder(given[name]) for name, decoder, needed in plan if needed or name in given}
        )

    return build
