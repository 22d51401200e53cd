"""A fault of the node's own ends the request with a 500 that shows nothing, or breaks the response off."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from gateway.proxy.transaction import Transaction
from tests.integration.gateway.client import request
from tests.integration.gateway.node import Node, running_node
from tests.integration.gateway.upstream import Peer, Upstream

pytestmark = pytest.mark.source  # compiled methods cannot be replaced


@pytest.fixture
async def node(upstream: Upstream, redis_url: str) -> AsyncIterator[Node]:
    """Not by `start_node`, which checks that no error is logged."""
    async with running_node(upstream_url=upstream.url, redis_url=redis_url) as node:
        yield node


def fail(*_: object) -> None:
    raise RuntimeError("at http://10.0.0.7/internal")


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
async def test_internal_error_is_a_500_without_details(
    node: Node, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, method: bytes
) -> None:
    monkeypatch.setattr(Transaction, "_forward", fail)
    async with await node.connect() as client:
        response = await client.get(method=method)
        assert await client.rest() == b""

    assert (response.status, response.closes) == (500, True)
    assert response.value("Content-Type") == b"application/problem+json"
    if method == b"GET":
        assert json.loads(response.body)["detail"] == "The gateway failed at this request."
    assert (await node.settled()).boot.failed == 1
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None


async def test_internal_error_is_logged_with_the_request_id_of_the_response(
    node: Node, monkeypatch: pytest.MonkeyPatch, log: Callable[[], list[dict[str, Any]]]
) -> None:
    monkeypatch.setattr(Transaction, "_forward", fail)
    async with await node.connect() as client:
        response = await client.get()

    (line,) = [line for line in log() if line["level"] == "error"]
    assert line["request_id"].encode() == response.value("X-Request-Id")
    assert "RuntimeError" in line["exception"]


@pytest.mark.parametrize(("method", "length"), [("on_data", 10), ("on_idle", 11), ("on_complete", 10)])
async def test_internal_error_after_the_head_breaks_the_response_off(
    node: Node, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, method: str, length: int
) -> None:
    has_head = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nsome" % length)
        await has_head.wait()
        await peer.send(b" other")
        await peer.gone()

    upstream.script = script
    async with await node.connect() as client:
        await client.send(request())
        await client.head()
        monkeypatch.setattr(Transaction, method, fail)
        has_head.set()
        assert len(await client.rest()) < length

    assert (await node.settled()).boot.failed == 1
