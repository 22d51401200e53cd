import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.log_lines import (
    MAX_EXCEPTION_LENGTH,
    MAX_MESSAGE_LENGTH,
    Event,
    JsonLines,
    TextLines,
    escaped,
)
from gateway.request_context import RequestContext

FORGERIES = {
    "line feed": "a\n2026-11-24T21:00:00Z ERROR   forged",
    "carriage return": "a\rforged",
    "NEL": "a\x85forged",
    "vertical tab and form feed": "a\x0b\x0cforged",
    "separators": "a\x1c\x1d\x1e\x1fforged",
    "line separator": "a\u2028forged\u2029forged",
    "NUL, BEL, DEL": "a\x00\x07\x7f",
    "colour": "a\x1b[31mred\x1b[0m",
    "C1 escape": "a\x9b31mred",
    "title of the terminal": "a\x1b]0;pwned\x07",
    "bidi override": "a\u202egpj.exe\u202c",
    "bidi isolate": "a\u2066b\u2069",
    "zero width": "a\u200bb\ufeff",
    "tags": "a\U000e0041",
    "lone surrogate": "a\udcff\ud800",
    "noncharacter": "a\uffff\U0010ffff",
}
HARMFUL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def record(message: object, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    info = None if error is None else (type(error), error, error.__traceback__)
    return logging.LogRecord("gateway.app", logging.WARNING, __file__, 1, message, args, info)


def caught(raise_it: Callable[[], object]) -> BaseException:
    try:
        raise_it()
    except ValueError as error:
        return error
    raise AssertionError


def in_json(line: str) -> dict[str, Any]:
    assert line.isascii()
    assert line.isprintable()
    parsed: dict[str, Any] = json.loads(line)
    return parsed


@pytest.mark.parametrize("message", FORGERIES.values(), ids=FORGERIES)
def test_a_message_from_outside_stays_on_its_line(message: str) -> None:
    for logged in (record(message), record("%s", message)):
        text = TextLines().format(logged)
        assert len(text.splitlines()) == 1
        assert not HARMFUL.search(text)
        text.encode()

        written = in_json(JsonLines("node-1").format(logged))["message"]
        assert len(written) >= len(message)
        written.encode()


@given(st.text(st.characters()))
def test_whatever_is_escaped_is_one_printable_line(text: str) -> None:
    assert escaped(text).isprintable()
    assert len(f"{escaped(text)}.".splitlines()) == 1
    assert escaped(text) == text or not text.isprintable()


def test_what_is_escaped_shows_what_it_was() -> None:
    assert escaped("a\nb\x1b[0m\u202e\U0001f600é\udcff") == "a\\nb\\x1b[0m\\u202e\U0001f600é\\udcff"


def test_text_has_time_in_utc_level_and_message() -> None:
    logged = record("no %s", "Redis")
    logged.created = 1_700_000_000.9

    assert TextLines().format(logged) == "2023-11-14T22:13:20Z WARNING no Redis"


def test_json_has_time_level_logger_node_and_message() -> None:
    logged = record("no %s", "Redis")

    assert in_json(JsonLines("node-1").format(logged)) == {
        "at": logged.created,
        "level": "warning",
        "logger": "gateway.app",
        "node": "node-1",
        "message": "no Redis",
    }


def test_a_message_in_the_course_of_a_request_says_whose_it_is() -> None:
    with RequestContext("4bf92f35") as context:
        assert " WARNING [4bf92f35] x" in TextLines().format(record("x"))
        line = in_json(JsonLines("node-1").format(record("x")))
        assert line["request_id"] == "4bf92f35"
        assert "client" not in line

        context.client = "acme"
        assert " WARNING [4bf92f35 acme] x" in TextLines().format(record("x"))
        assert in_json(JsonLines("node-1").format(record("x")))["client"] == "acme"

    assert "request_id" not in in_json(JsonLines("node-1").format(record("x")))


def test_a_traceback_cannot_begin_a_line_that_looks_like_another() -> None:
    error = caught(lambda: int("1\n2026-11-24T21:00:00Z ERROR   forged\r\x1b[31m\u2028"))
    first, *others = TextLines().format(record("failed", error=error)).split("\n")

    assert first.endswith("failed")
    assert any("ValueError: invalid literal" in line for line in others)
    assert all(line.startswith("  | ") and line.isprintable() for line in others)


def test_a_traceback_is_one_field_of_json() -> None:
    error = caught(lambda: int("oops\n"))
    line = in_json(JsonLines("node-1").format(record("failed", error=error)))

    assert line["message"] == "failed"
    assert line["exception"].startswith("Traceback")
    assert "ValueError: invalid literal" in line["exception"]


def test_where_there_was_no_exception_there_is_none_in_the_line() -> None:
    logged = record("failed")
    logged.exc_info = (None, None, None)

    assert "exception" not in in_json(JsonLines("node-1").format(logged))
    assert TextLines().format(logged).endswith("failed")


def test_lines_are_bounded() -> None:
    def fail() -> None:
        raise ValueError("y" * 1_000_000)

    logged = record("x" * 1_000_000, error=caught(fail))
    line = in_json(JsonLines("node-1").format(logged))

    assert line["message"] == "x" * MAX_MESSAGE_LENGTH + "…"
    assert len(line["exception"]) == MAX_EXCEPTION_LENGTH + 3
    assert line["exception"].startswith("Traceback")


class Sum(Event):
    def __str__(self) -> str:
        return "1 + 1 = 2\n"

    def fields(self) -> dict[str, object]:
        return {"sum": 2}


def test_an_event_has_fields_in_json_and_is_a_sentence_in_text() -> None:
    line = in_json(JsonLines("node-1").format(record(Sum())))

    assert line["sum"] == 2
    assert "message" not in line
    assert TextLines().format(record(Sum())).endswith("1 + 1 = 2\\n")
