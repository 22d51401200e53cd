"""The admin listener's answers."""

import json

from tests.integration.gateway.client import Client
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
        metrics = await client.get(b"/metrics")
        state = await client.get(b"/state")

    assert metrics.value("Content-Type") == b"text/plain; version=0.0.4; charset=utf-8"
    assert state.value("Content-Type") == b"application/json; charset=utf-8"
    assert json.loads(state.body)["last"]["node_id"] == "node-1"


async def test_nothing_else_is_there(node: Node) -> None:
    assert (await node.admin("/"))[0] == 404
    async with await node.connect() as client:
        assert (await client.get(b"/metrics")).body == b"ok"
