"""An upstream's connection tells what the reader reads, and nobody waits for what will not come."""

import asyncio
from dataclasses import dataclass, field
from enum import Enum

from hypothesis import strategies as st

from gateway.http.response_head import ResponseHead
from gateway.http.response_parser import InvalidResponseError, ResponseParser
from gateway.proxy.upstream_connection import UpstreamConnection
from tests.fuzz.answers import ASKED, EXAMPLES, Asked
from tests.fuzz.mutation import HTTP, SIGNS, cut, mutated
from tests.fuzz.target import Target
from tests.support.exchange import exchange
from tests.unit.gateway.proxy.wire import Wire

_SWITCHING = 101


class End(Enum):
    """How a connection ends behind what was sent."""

    IN_ORDER = "in order"
    BROKEN = "broken"
    NONE = "none"


@dataclass(slots=True)
class Told:
    """What came of a connection."""

    interim: list[int] = field(default_factory=list)
    head: ResponseHead | None = None
    body: bytes = b""
    is_whole: bool = False
    is_over: bool = False
    """Whether no more of it can come."""
    is_reusable: bool = False
    """Whether the connection may serve another exchange."""


def expected(pieces: list[bytes], asked: Asked, end: End) -> Told:
    """By the reader alone."""
    reader = ResponseParser(has_body=asked.method != "HEAD", upgrade=asked.upgrade)
    told = Told()
    surplus = b""
    try:
        for piece in pieces:
            if reader.ended:
                surplus += piece
                continue
            for event in reader.feed(piece):
                if not isinstance(event, ResponseHead):
                    told.body += event
                elif not event.is_interim:
                    told.head = event
                elif event.status != 100:
                    told.interim.append(event.status)
        if end is End.IN_ORDER:
            reader.feed_eof()
    except InvalidResponseError:
        told.is_over = True
    told.is_whole = reader.ended and not told.is_over
    told.is_over = told.is_over or reader.ended or end is not End.NONE
    told.is_reusable = (
        told.is_whole
        and end is End.NONE
        and reader.rest + surplus == b""
        and told.head is not None
        and told.head.keep_alive
    )
    return told


async def connected(pieces: list[bytes], asked: Asked, end: End) -> Told:
    """By a connection."""
    told, wire = Told(), Wire()
    connection = UpstreamConnection()
    connection.connection_made(wire)
    response = exchange(
        connection,
        b"",
        has_response_body=asked.method != "HEAD",
        upgrade=asked.upgrade,
        on_interim=lambda head: told.interim.append(head.status),
    )
    for piece in pieces:
        if not wire.closed and piece:
            connection.data_received(piece)
    if wire.closed:
        connection.connection_lost(None)
    elif end is not End.NONE:
        if end is End.IN_ORDER:
            connection.eof_received()
        connection.connection_lost(None if end is End.IN_ORDER else ConnectionResetError())
    told.head, told.body = response.head, response.body
    told.is_whole, told.is_over = response.is_complete, response.is_over
    told.is_reusable = connection.finish_exchange(1.0)
    return told


def check(given: tuple[tuple[bytes, list[bytes]], Asked, End]) -> None:
    """An answer in pieces, to a request, and the end behind it."""
    (_, pieces), asked, end = given
    wanted = expected(pieces, asked, end)
    if wanted.head is not None and wanted.head.status == _SWITCHING:
        return
    assert asyncio.run(connected(pieces, asked, end)) == wanted


TARGETS = (
    Target(
        "upstreams",
        st.tuples(cut(mutated(EXAMPLES, SIGNS + HTTP)), ASKED, st.sampled_from(End)),
        check,
    ),
)
