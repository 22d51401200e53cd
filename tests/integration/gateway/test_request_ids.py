"""Each request has an id, and who may choose it; traces go on."""

from collections.abc import Awaitable, Callable

import pytest

from tests.integration.gateway.client import Answer, request
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Upstream

StartNode = Callable[..., Awaitable[Node]]

HERE = "127.0.0.0/8"
MINE = b"X-Request-Id: mine-1"


def id_of(answer: Answer) -> bytes:
    """The id that an answer tells, which must be one."""
    request_id = answer.value("X-Request-Id")
    assert request_id
    return request_id


async def test_the_client_and_the_upstream_are_told_the_same_new_id(node: Node, upstream: Upstream) -> None:
    async with await node.connect() as client:
        ids = [id_of(await client.get(b"/", MINE)) for _ in range(2)]

    assert [seen.values("X-Request-Id") for seen in upstream.requests] == [[each] for each in ids]
    assert len({*ids, b"mine-1"}) == 3


async def test_a_trusted_peer_chooses_the_id(start_node: StartNode, upstream: Upstream) -> None:
    node = await start_node(trusted_proxies=HERE)
    async with await node.connect() as client:
        assert id_of(await client.get(b"/", MINE, b"X-Forwarded-For: 203.0.113.1")) == b"mine-1"
        assert id_of(await client.get(b"/", MINE, MINE)) != b"mine-1"
        assert b" " not in id_of(await client.get(b"/", b"X-Request-Id: not safe"))

    assert upstream.requests[0].values("X-Request-Id") == [b"mine-1"]


async def test_the_id_that_an_upstream_answers_with_is_replaced(node: Node, upstream: Upstream) -> None:
    upstream.script = upstream.answering(b"HTTP/1.1 204 No Content\r\nX-Request-ID: theirs\r\n\r\n")
    async with await node.connect() as client:
        told = id_of(await client.get())

    assert upstream.requests[-1].values("X-Request-Id") == [told]


async def test_answers_of_the_nodes_own_tell_it_too(start_node: StartNode) -> None:
    node = await start_node(
        trusted_proxies=HERE, default_limit="1/h", deny="203.0.113.9", upstream_url="http://127.0.0.1:1"
    )
    async with await node.connect() as client:
        answers = [
            await client.get(b"/", MINE),
            await client.get(b"/", MINE),
            await client.get(b"/", MINE, key=None),
            await client.get(b"/", MINE, b"X-Forwarded-For: 203.0.113.9"),
            await client.get(b"/", MINE, b"X-Forwarded-For: nobody"),
        ]

    assert [answer.status for answer in answers] == [502, 429, 401, 403, 400]
    assert {id_of(answer) for answer in answers} == {b"mine-1"}


async def test_what_cannot_be_read_is_answered_with_an_id_of_its_own(start_node: StartNode) -> None:
    node = await start_node(trusted_proxies=HERE)
    async with await node.connect() as client:
        await client.send(request(b"/", MINE, b"Bad Name: 1"))
        answer = await client.answer()

    assert answer.status == 400
    assert len(id_of(answer)) == 32


PARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("parent", "seen"), [(PARENT, [[PARENT], [b"a=1"]]), (b"00-0-0-01", [[], []]), (PARENT.upper(), [[], []])]
)
async def test_a_trace_goes_on_where_it_is_well_formed(
    node: Node, upstream: Upstream, parent: bytes, seen: list[list[bytes]]
) -> None:
    async with await node.connect() as client:
        await client.get(b"/", b"Traceparent: " + parent, b"tracestate: a=1")

    assert [upstream.requests[-1].values(name) for name in ("traceparent", "tracestate")] == seen
