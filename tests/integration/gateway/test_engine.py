"""What is hardest in one engine for all requests: pipelines, discarded content, and leaks after every end."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.integration.gateway.client import request, within
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Upstream

StartNode = Callable[..., Awaitable[Node]]

PIPELINED = 2400
UNAUTHENTICATED = b"GET / HTTP/1.1\r\nHost:a\r\n\r\n"
SMUGGLED = b"GET /secret HTTP/1.1\r\nHost: a\r\nX-API-Key: k\r\n\r\n"


async def test_many_pipelined_local_replies_need_no_stack_and_do_not_block_others(node: Node) -> None:
    async with await node.connect() as client, await node.connect() as other:
        client.writer.write(UNAUTHENTICATED * PIPELINED)
        assert (await within(other.get())).status == 200
        for _ in range(PIPELINED):
            assert (await client.answer()).status == 401
        assert (await client.get()).status == 200

    assert (await node.settled()).boot.unidentified == PIPELINED


@pytest.mark.parametrize("by_chunks", [False, True], ids=["by length", "by chunks"])
@pytest.mark.parametrize("expects", [False, True], ids=["without Expect", "with Expect"])
async def test_content_of_a_rejected_request_is_never_read_as_a_request(
    start_node: StartNode, upstream: Upstream, by_chunks: bool, expects: bool
) -> None:
    node = await start_node(default_limit="1/h")
    framing = b"Transfer-Encoding: chunked" if by_chunks else b"Content-Length: %d" % (3 * len(SMUGGLED))
    fields = [framing, b"Expect: 100-continue"] if expects else [framing]
    async with await node.connect() as client:
        assert (await client.get(key=b"k")).status == 200
        await client.send(request(b"/", *fields, key=b"k", method=b"POST"))
        assert (await client.answer()).status == 429
        for _ in range(3):
            piece = b"%x\r\n%b\r\n" % (len(SMUGGLED), SMUGGLED) if by_chunks else SMUGGLED
            try:
                await client.send(piece)
            except ConnectionError:
                break
            await asyncio.sleep(0.01)

    assert len(upstream.requests) == 1
    totals = (await node.settled()).boot
    assert (totals.requests, totals.refused) == (2, 1)


@pytest.mark.parametrize("size", [1, 100_000])
async def test_a_connection_goes_on_after_discarded_content(start_node: StartNode, size: int) -> None:
    node = await start_node(default_limit="1/h")
    async with await node.connect() as client:
        assert (await client.get(key=b"k")).status == 200
        for _ in range(5):
            refused = await client.get(key=b"k", method=b"POST", body=b"x" * size)
            assert (refused.status, refused.closes) == (429, False)
