"""Records as JSON texts: frozen dataclasses of numbers, texts, limits, tuples, dicts and further records.

A reader ignores fields that it does not know, so that nodes of two versions can share a Redis; a field of
another type makes the record unreadable, and so does a missing one, unless the dataclass gives it a default.
What `decode` returns is safe to compare, to sum and to print: numbers fit 64 bits, texts are Unicode.
"""

import json
import types
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from gateway.contract.limits import Limits, parse_limits

Record = TypeVar("Record")
LARGEST = 2**63 - 1


class RecordError(ValueError):
    """A text that is no such record, or a record that cannot be written."""


def encode(record: Any) -> str:
    """Compact JSON with the dataclass's field names.

    Raises:
        RecordError: a number is not finite, or a text is not Unicode (one from the environment need not be).
    """
    try:
        text = json.dumps(record, default=_plain, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode()
    except ValueError as error:
        raise RecordError(f"a {type(record).__name__} that cannot be written: {error}") from None
    return text


def decode(kind: type[Record], text: str | bytes) -> Record:
    """The record of class `kind` that `text` holds.

    Raises:
        RecordError: not JSON, or not this record.
    """
    try:
        record: Record = _decoder(cast(Any, kind))(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise RecordError(f"not a {kind.__name__}: {error}") from None
    return record


def _plain(value: Any) -> Any:
    """What stands in JSON for a value that has no form of its own there."""
    if isinstance(value, Limits):
        return str(value)
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no place in a record")


@cache
def _decoder(hint: Any) -> Callable[[Any], Any]:
    """A function that turns parsed JSON into a value of type `hint`, or raises ValueError."""
    origin = get_origin(hint)
    if hint is Limits:
        return lambda value: parse_limits(_text(value))
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
        return lambda value: {_text(key): of_value(item) for key, item in _exactly(dict, value).items()}
    return {str: _text, int: _integer, float: _number}.get(hint, lambda value: _exactly(hint, value))


def _exactly(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"{value!r:.40} is no {kind.__name__}")  # noqa: TRY004 - `decode` maps ValueError
    return value


def _text(value: Any) -> str:
    text: str = _exactly(str, value)
    text.encode()  # lone surrogates, which JSON can write, could not be printed
    return text


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -LARGEST <= value <= LARGEST:
        raise ValueError(f"{value!r:.40} is no integer of 64 bits")
    return value


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not -LARGEST <= value <= LARGEST:
        raise ValueError(f"{value!r:.40} is no number of a usual size")
    number = float(value)
    if abs(number) > LARGEST:  # of an integer at the very end, it is one beyond it
        raise ValueError(f"{value!r:.40} is no number of a usual size")
    return number


def _tuple_decoder(hints: tuple[Any, ...]) -> Callable[[Any], Any]:
    if len(hints) == 2 and hints[1] is Ellipsis:
        item = _decoder(hints[0])
        return lambda value: tuple([item(element) for element in _exactly(list, value)])
    items = [_decoder(hint) for hint in hints]
    if items == [_integer, _integer]:
        return _bucket
    return lambda value: tuple(
        [item(element) for item, element in zip(items, _exactly(list, value), strict=True)]
    )


def _bucket(value: Any) -> tuple[int, int]:
    """A histogram's: most of what a record holds, so the usual case is quick."""
    first, second = _exactly(list, value)
    if type(first) is int is type(second) and -LARGEST <= first <= LARGEST >= second >= -LARGEST:
        return first, second
    return _integer(first), _integer(second)


def _dataclass_decoder(kind: Any) -> Callable[[Any], Any]:
    hints = get_type_hints(kind)
    plan = [
        (item.name, _decoder(hints[item.name]), item.default is MISSING and item.default_factory is MISSING)
        for item in fields(kind)
    ]

    def build(value: Any) -> Any:
        given = _exactly(dict, value)
        values = {}
        for name, decoder, needed in plan:
            if name in given:
                try:
                    values[name] = decoder(given[name])
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
            elif needed:
                raise ValueError(f"{name} is missing")
        return kind(**values)

    return build
