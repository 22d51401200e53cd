"""How often a message is passed on, who did it, and when: Via, Max-Forwards, Date."""

import re
from collections.abc import Awaitable, Callable

from loadtest.ports import free_port
from tests.integration.gateway.client import Answer
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Upstream

StartNode = Callable[..., Awaitable[Node]]
DATE = re.compile(rb"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")


async def send(node: Node, *lines: bytes, method: bytes = b"GET", key: bytes | None = b"key-1") -> Answer:
    async with await node.connect() as client:
        return await client.get(b"/", *lines, method=method, key=key)


async def test_a_circle_of_nodes_is_left_at_the_second_round(
    start_node: StartNode, upstream: Upstream
) -> None:
    first, second = free_port(), free_port()
    node = await start_node(port=first, upstream_url=f"http://127.0.0.1:{second}", node_id="node-1")
    await start_node(port=second, upstream_url=f"http://127.0.0.1:{first}", node_id="node-2")

    answer = await send(node)

    assert answer.status == 508
    assert b"goes in a circle" in answer.body
    assert upstream.requests == []


async def test_nodes_may_stand_behind_each_other(start_node: StartNode, upstream: Upstream) -> None:
    inner = await start_node(node_id="inner", trusted_proxies="127.0.0.1")
    outer = await start_node(upstream_url=f"http://127.0.0.1:{inner.port}", node_id="outer")

    answer = await send(outer, b"Via: 1.0 edge")

    assert answer.values("Via") == [b"1.1 inner", b"1.1 outer"]
    assert upstream.requests[-1].values("Via") == [b"1.0 edge", b"1.1 outer", b"1.1 inner"]
    assert upstream.requests[-1].values("X-Forwarded-For") == [b"127.0.0.1, 127.0.0.1"]


async def test_an_answer_tells_the_version_that_it_came_in(node: Node, upstream: Upstream) -> None:
    upstream.script = upstream.answering(b"HTTP/1.0 200 OK\r\nVia: 1.1 cache\r\nContent-Length: 0\r\n\r\n")

    assert (await send(node)).values("Via") == [b"1.1 cache", b"1.0 node-1"]


async def test_options_goes_as_many_hops_as_it_may(node: Node, upstream: Upstream) -> None:
    await send(node, b"Max-Forwards: 3", b"X-Two: 3", method=b"OPTIONS")
    last = await send(node, b"max-forwards: 0", method=b"OPTIONS")

    (seen,) = upstream.requests
    assert seen.lines[1:3] == (b"Max-Forwards: 2", b"X-Two: 3")
    assert last.status == 200
    assert last.value("Allow") == b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
    assert last.value("Content-Length") == b"0"
    assert last.value("RateLimit") is not None
    assert (await node.settled()).boot.admitted == 2


async def test_nobody_asks_a_node_without_a_key(node: Node) -> None:
    assert (await send(node, b"Max-Forwards: 0", method=b"OPTIONS", key=None)).status == 401


async def test_for_other_methods_max_forwards_means_nothing(node: Node, upstream: Upstream) -> None:
    assert (await send(node, b"Max-Forwards: 0")).status == 200
    assert (await send(node, b"Max-Forwards: x", method=b"DELETE")).status == 200
    assert [seen.values("Max-Forwards") for seen in upstream.requests] == [[b"0"], [b"x"]]


async def test_a_number_of_hops_that_is_none_is_refused(node: Node, upstream: Upstream) -> None:
    assert (await send(node, b"Max-Forwards: -1", method=b"OPTIONS")).status == 400
    assert upstream.requests == []


async def test_every_answer_has_a_date(node: Node, upstream: Upstream) -> None:
    async with await node.connect() as client:
        answers = [await client.get(), await client.get(key=None), await client.get(b"no-path")]

    assert [answer.status for answer in answers] == [200, 401, 400]
    assert all(DATE.fullmatch(answer.value("Date") or b"") for answer in answers)


async def test_a_date_of_the_upstreams_is_kept(node: Node, upstream: Upstream) -> None:
    upstream.script = upstream.answering(b"HTTP/1.1 204 No Content\r\ndate: yesterday\r\n\r\n")

    assert (await send(node)).values("Date") == [b"yesterday"]
