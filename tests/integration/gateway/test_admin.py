"""The admin listener's answers."""

import contextlib
import json
from collections.abc import Awaitable, Callable

import pytest

from gateway import admin
from tests.integration.gateway.client import Client, within
from tests.integration.gateway.node import Node


async def test_state_is_the_roster_entry_with_fresh_counters(node: Node) -> None:
    async with await node.connect() as client:
        await client.get()
    entry = await node.state()

    assert entry.address == f"127.0.0.1:{node.port}"
    assert entry.admin_address == f"127.0.0.1:{node.admin_port}"
    assert entry.last.node_id == "node-1"
    assert entry.last.boot.admitted == 1
    assert not entry.last.leaving
    assert entry.last.store.connected


async def test_metrics_count_what_clients_saw(node: Node) -> None:
    async with await node.connect() as client:
        await client.get()
        await client.get(key=None)
        await client.send(b"BREW / HTTP/1.1\r\n\r\n")
        await client.answer()
    status, text = await node.admin("/metrics")

    assert status == 200
    assert 'gateway_requests_total{outcome="admitted"} 1\n' in text
    assert 'gateway_requests_total{outcome="unidentified"} 1\n' in text
    assert "gateway_malformed_total 1\n" in text
    assert "gateway_in_flight 0\n" in text
    assert "gateway_store_connected 1\n" in text
    assert "gateway_request_seconds_count 1\n" in text


async def test_content_types_are_those_of_the_formats(node: Node) -> None:
    async with await Client.connect(node.admin_port) as client:
        await client.send(b"GET /metrics HTTP/1.1\r\nHost: node-1\r\n\r\n")
        metrics = await client.answer()
        await client.send(b"GET /state HTTP/1.1\r\nHost: node-1\r\n\r\n")
        state = await client.answer()

    assert metrics.value("Content-Type") == b"text/plain; version=0.0.4; charset=utf-8"
    assert state.value("Content-Type") == b"application/json; charset=utf-8"
    assert json.loads(state.body)["last"]["node_id"] == "node-1"


async def test_nothing_else_is_there(node: Node) -> None:
    assert (await node.admin("/"))[0] == 404
    async with await node.connect() as client:
        assert (await client.get(b"/metrics")).body == b"ok"


async def test_silent_connections_are_bounded_and_closed(
    start_node: Callable[..., Awaitable[Node]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "MAX_CONNECTIONS", 3)
    monkeypatch.setattr(admin, "IDLE_SECONDS", 0.5)
    node = await start_node()
    async with contextlib.AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(await Client.connect(node.admin_port)) for _ in range(3)]
        await silent[1].send(b"GET /state HTTP/1.1\r\nHost:")
        with contextlib.suppress(ConnectionError):
            async with await Client.connect(node.admin_port) as rejected:
                assert await within(rejected.reader.read()) == b""

        for client in silent:
            assert await within(client.reader.read()) == b""
    assert (await node.admin("/healthz"))[0] == 200


async def test_message_that_is_not_http_is_not_logged(node: Node) -> None:
    """`start_node` checks that no error is logged."""
    async with await Client.connect(node.admin_port) as client:
        await client.send(b"nonsense\r\n\r\n")
        assert b" 400 " in await client.rest()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:9080", 200),
        ("[::1]:9080", 200),
        ("localhost", 200),
        ("node-1:9080", 200),
        ("gw.internal.example", 200),
        ("GW.internal.example.:9080", 200),
        ("attacker.example", 421),
        ("127.0.0.1.attacker.example:9080", 421),
        ("gw.internal.example@attacker.example", 421),
        ("", 421),
    ],
)
async def test_request_by_a_foreign_name_is_rejected(
    start_node: Callable[..., Awaitable[Node]], host: str, status: int
) -> None:
    """A page of another site can make a browser send requests here (DNS rebinding)."""
    node = await start_node(admin_names="gw.internal.example, other.example")
    async with await Client.connect(node.admin_port) as client:
        await client.send(f"GET /state HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        response = await client.answer()

    assert response.status == status
    if status == 421:
        assert b"GATEWAY_ADMIN_NAMES" in response.body
