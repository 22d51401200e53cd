import json
import logging
import re
from collections.abc import Iterator

import pytest
from aiohttp.http_exceptions import BadStatusLine

from gateway import logs
from gateway.logs import MOST_REASONS, Outage


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    root.handlers.clear()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_text_lines_have_time_level_and_message(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("info", "text")
    logging.getLogger("gateway.app").warning("no %s", "Redis")

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ WARNING no Redis\n", capsys.readouterr().err)


def test_json_lines_are_one_object_each(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("info", "json")
    logging.getLogger("gateway.app").warning('a "quoted"\nmessage')
    try:
        int("oops")
    except ValueError:
        logging.getLogger("gateway.app").exception("failed")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())

    assert first.keys() == {"at", "level", "logger", "message"}
    assert (first["level"], first["logger"], first["message"]) == (
        "warning",
        "gateway.app",
        'a "quoted"\nmessage',
    )
    assert first["at"] > 1_700_000_000
    assert "ValueError: invalid literal" in second["exception"]


@pytest.mark.parametrize(("level", "shown"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_the_level_is_the_least_severe_that_is_shown(
    capsys: pytest.CaptureFixture[str], level: str, shown: int
) -> None:
    logs.set_up(level, "text")
    for severity in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        logging.getLogger("gateway").log(severity, "x")

    assert capsys.readouterr().err.count("\n") == shown


def test_nothing_is_written_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("debug", "json")
    logging.getLogger("gateway").error("x")

    assert capsys.readouterr().out == ""


def test_asyncio_is_not_listened_to_below_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("debug", "text")
    logging.getLogger("asyncio").debug("Using selector: EpollSelector")

    assert capsys.readouterr().err == ""


def test_what_is_not_http_is_not_told_with_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("debug", "text")
    logging.getLogger("aiohttp.server").error("Error handling request", exc_info=BadStatusLine())

    assert capsys.readouterr().err == ""


def test_an_outage_is_told_once_for_each_reason_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage(logging.getLogger("test"), "the store")

    with caplog.at_level("INFO"):
        for reason in ("closed", "refused", "closed", "refused"):
            outage.failed(reason)
        assert outage.reason == "refused"
        outage.worked()
        outage.worked()
        outage.failed("closed")

    assert outage.reason == "closed"
    assert [record.getMessage() for record in caplog.records] == [
        "the store: closed",
        "the store: refused",
        "the store works again, after 4 failures",
        "the store: closed",
    ]


def test_reasons_that_are_always_new_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage(logging.getLogger("test"), "the store")

    for number in range(100):
        outage.failed(f"reason {number}")

    assert len(caplog.records) == MOST_REASONS
