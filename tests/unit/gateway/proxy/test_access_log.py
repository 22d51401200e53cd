import json
import logging
import os

import pytest

from gateway.http.request_id import RequestIds
from gateway.log_lines import JsonLines, TextLines
from gateway.proxy.access_log import MAX_PATH_LENGTH, AccessLog, AccessLogEntry, path_of

ACCESS = AccessLogEntry("192.0.2.7", "GET", "/a", 200, "admitted", 0, 123, 0.25, 0.125, 0.0000014)
IDS = RequestIds(os.urandom)


def record(access: AccessLogEntry) -> logging.LogRecord:
    return logging.LogRecord("gateway.access", logging.INFO, __file__, 1, access, (), None)


def test_in_json_it_is_fields() -> None:
    line = json.loads(JsonLines("node-1").format(record(ACCESS)))

    assert {name: line[name] for name in list(line)[4:]} == {
        "address": "192.0.2.7",
        "method": "GET",
        "path": "/a",
        "status": 200,
        "outcome": "admitted",
        "bytes_in": 0,
        "bytes_out": 123,
        "seconds": 0.25,
        "upstream_seconds": 0.125,
        "store_seconds": 0.000001,
    }


def test_in_text_it_is_one_line() -> None:
    line = TextLines().format(record(ACCESS))

    assert line.endswith(
        "INFO    192.0.2.7 GET /a 200 admitted in=0 out=123 total=0.250000 upstream=0.125000 store=0.000001"
    )


def test_what_did_not_take_place_took_no_time() -> None:
    access = AccessLogEntry("192.0.2.7", "GET", "/a", 401, "unidentified", 0, 123, 0.25, None, None)

    assert str(access) == "192.0.2.7 GET /a 401 unidentified in=0 out=123 total=0.250000"
    assert json.loads(JsonLines("node-1").format(record(access)))["store_seconds"] is None


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/a?key=secret", "/a"),
        (b"/a??key=secret?", "/a"),
        (b"/?key=secret", "/"),
        (b"*", "*"),
        (b"/%0a%1b;x=1", "/%0a%1b;x=1"),
        (b"/\xff", "/\\xff"),
        (b"/" + b"x" * 10000, "/" + "x" * (MAX_PATH_LENGTH - 1) + "…"),
    ],
)
def test_a_path_is_a_target_without_its_query(target: bytes, path: str) -> None:
    assert path_of(target) == path


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.1, 800, 1200), (1.0, 10000, 10000)])
def test_a_share_of_requests_is_logged(share: float, least: int, most: int) -> None:
    log = AccessLog(share)

    assert least <= sum(log.takes(IDS.new(), failed=False) for _ in range(10000)) <= most


def test_all_nodes_choose_the_same_requests_and_a_larger_share_contains_a_smaller_one() -> None:
    small, same, large = AccessLog(0.1), AccessLog(0.1), AccessLog(0.5)
    ids = [IDS.new() for _ in range(1000)]
    chosen = {each for each in ids if small.takes(each, failed=False)}

    assert chosen == {each for each in ids if same.takes(each, failed=False)}
    assert chosen < {each for each in ids if large.takes(each, failed=False)}


def test_the_choice_is_the_one_in_the_documentation() -> None:
    request_id = "0" * 32  # CRC-32 0xa0f292d0, which is 0.6287 of 2**32

    assert not AccessLog(0.6286).takes(request_id, failed=False)
    assert AccessLog(0.6288).takes(request_id, failed=False)


def test_what_failed_is_logged_wherever_anything_is() -> None:
    assert all(AccessLog(0.000001).takes(IDS.new(), failed=True) for _ in range(100))
    assert not AccessLog(0.0).takes(IDS.new(), failed=True)
