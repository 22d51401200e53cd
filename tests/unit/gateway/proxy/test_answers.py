"""The reader of answers: every byte of them may come alone."""

from dataclasses import dataclass

import pytest

from gateway.http.fields import Fields
from gateway.http.response_head import ResponseHead
from gateway.http.response_parser import InvalidResponseError, ResponseParser
from tests.unit.gateway.proxy.answers import BROKEN, CUT_OFF, LENGTH_2, OK, WELL_FORMED, Request


@dataclass
class Read:
    """What came of an answer."""

    status: int
    body: bytes
    interim: list[int]
    rest: bytes
    ended: bool
    keep_alive: bool


def read(pieces: list[bytes], request: Request | None = None, *, closes: bool = False) -> Read:
    reader = ResponseParser(**(request or {}))
    heads: list[ResponseHead] = []
    body = b""
    for piece in pieces:
        for event in reader.feed(piece):
            if isinstance(event, ResponseHead):
                heads.append(event)
            else:
                body += event
    if closes:
        reader.feed_eof()
    assert reader.head is not None, "not broken, and not whole"
    assert heads[-1] == reader.head
    interim = [head.status for head in heads[:-1]]
    return Read(reader.head.status, body, interim, reader.rest, reader.ended, reader.head.keep_alive)


def in_all_ways(answer: bytes) -> list[list[bytes]]:
    """Whole, byte by byte, and cut once at each place."""
    cuts = [[answer[:place], answer[place:]] for place in range(1, len(answer))]
    return [[answer], [answer[place : place + 1] for place in range(len(answer))], *cuts]


@pytest.mark.parametrize(("answer", "asked", "expected"), WELL_FORMED.values(), ids=WELL_FORMED)
def test_an_answer_is_read_however_it_is_cut(
    answer: bytes, asked: Request, expected: tuple[int, bytes, bytes, bool]
) -> None:
    for pieces in in_all_ways(answer):
        found = read(pieces, asked)
        assert (found.status, found.body, found.rest, found.keep_alive) == expected
        assert found.ended


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
def test_without_a_length_the_close_ends_it(version: bytes) -> None:
    answer = b"HTTP/" + version + b" 200 OK\r\n\r\nall"
    for pieces in in_all_ways(answer):
        assert not read(pieces).ended
        found = read(pieces, closes=True)
        assert (found.body, found.ended, found.keep_alive) == (b"all", True, False)


def test_interim_answers_come_before_the_answer() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    for pieces in in_all_ways(b"HTTP/1.1 100 Continue\r\n\r\n" + early + OK + LENGTH_2 + b"ok"):
        found = read(pieces)
        assert (found.interim, found.status, found.body) == ([100, 103], 200, b"ok")


def test_fields_are_kept_byte_for_byte() -> None:
    reader = ResponseParser()
    reader.feed(OK + b"X-Name:\t \xe9\xff \r\nx-empty:\r\n" + LENGTH_2)
    expected: Fields = [(b"X-Name", b"\xe9\xff"), (b"x-empty", b""), (b"Content-Length", b"2")]

    assert reader.head is not None
    assert reader.head.fields == expected


@pytest.mark.parametrize("status", [b"103 Early", b"204 No"])
def test_a_length_is_left_out_where_there_must_be_none(status: bytes) -> None:
    head = ResponseParser().feed(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nX: y\r\n\r\n")[0]

    assert isinstance(head, ResponseHead)
    assert head.fields == [(b"X", b"y")]


def test_a_length_without_a_body_is_kept_as_it_says_what_it_would_be() -> None:
    reader = ResponseParser(has_body=False)
    reader.feed(OK + b"Content-Length: 5\r\n\r\n")

    assert reader.head is not None
    assert reader.head.fields == [(b"Content-Length", b"5")]


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_a_broken_answer_is_seen_without_waiting_for_more(answer: bytes) -> None:
    with pytest.raises(InvalidResponseError):
        ResponseParser().feed(answer)


@pytest.mark.parametrize(
    "answer",
    [each for each in BROKEN.values() if len(each) < 500],
    ids=[k for k, v in BROKEN.items() if len(v) < 500],
)
def test_a_broken_answer_is_seen_however_it_is_cut(answer: bytes) -> None:
    for pieces in in_all_ways(answer):
        with pytest.raises(InvalidResponseError):
            read(pieces)


SWITCHES = {
    "to another protocol": b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
    "to several": b"Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n",
    "to several lines": b"Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: websocket\r\n",
    "to nothing": b"Connection: Upgrade\r\n",
    "without Connection": b"Upgrade: websocket\r\n",
}


@pytest.mark.parametrize("fields", SWITCHES.values(), ids=SWITCHES)
def test_a_switch_must_be_the_one_that_was_offered(fields: bytes) -> None:
    with pytest.raises(InvalidResponseError):
        ResponseParser(upgrade=b"websocket").feed(b"HTTP/1.1 101 Yes\r\n" + fields + b"\r\n")


@pytest.mark.parametrize("part", CUT_OFF.values(), ids=CUT_OFF)
def test_an_answer_that_is_cut_off_is_broken(part: bytes) -> None:
    reader = ResponseParser()
    reader.feed(part)
    with pytest.raises(InvalidResponseError):
        reader.feed_eof()
