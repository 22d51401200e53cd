"""The subject as an AI operator meets it: the official SDK's own client, over stdio, on a real cluster."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest
from mcp import Client, StdioServerParameters
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.client_id import DEFAULT_SECRET, unknown_client_id
from gateway.contract.redis_url import parse_redis_url
from loadtest import cluster, delay_proxy
from loadtest.cluster import Cluster, Plan
from loadtest.ports import free_port
from tests.integration.gateway.node import eventually
from tests.integration.subject.publishing import audited, environment, live_changes, publish
from tests.unit.subject.builders import policies, record

KEY = "sk_test_4711"
CLIENT = unknown_client_id(KEY, DEFAULT_SECRET)
READING = {"status", "nodes", "diagnose", "top", "limits", "why", "audit", "explain"}
ACTING = {"limits_set", "limits_unset", "reset"}


@asynccontextmanager
async def session(redis_url: str, environment: Mapping[str, str], **settings: str) -> AsyncIterator[Client]:
    """The SDK's client, connected to ``subject mcp``."""
    given = {**environment, "REDIS_URL": redis_url, **settings}
    parameters = StdioServerParameters(command=sys.executable, args=["-m", "subject", "mcp"], env=given)
    async with Client(parameters, read_timeout_seconds=30) as client:
        yield client


async def called(operator: Client, tool: str, /, **arguments: object) -> dict[str, Any]:
    """What a tool returns."""
    result = await operator.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content == json.loads(result.content[0].text)  # type: ignore[union-attr]  # tools return text
    return dict(result.structured_content)


async def refused(operator: Client, tool: str, /, **arguments: object) -> str:
    """The error of a tool that does not do what it was asked for."""
    result = await operator.call_tool(tool, arguments)
    assert result.is_error
    return str(result.content[0].text)  # type: ignore[union-attr]  # as above


async def send(running: Cluster, number: int) -> None:
    """Requests of one client, one after the other, over all nodes."""
    async with aiohttp.ClientSession(headers={"X-API-Key": KEY}) as client:
        for place in range(number):
            node = running.nodes[place % len(running.nodes)]
            async with client.get(node.url) as answer:
                await answer.read()


async def test_an_operator_looks_acts_and_looks_again() -> None:
    async with cluster.running(Plan(nodes=2, node_environment={"GATEWAY_DEFAULT_LIMIT": "20/m"})) as running:
        await send(running, 60)
        await asyncio.sleep(1.5)  # until each node has told of it
        async with session(running.redis_url, running.environment, SUBJECT_MCP_ACTIONS="true") as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            status = await called(client, "status")
            nodes = await called(client, "nodes")
            top = await called(client, "top", most=5)
            diagnosis = await called(client, "diagnose")
            explained = await called(client, "explain", code="limit_breach")
            why = await called(client, "why", client=CLIENT)
            done = await called(
                client, "limits_set", client=CLIENT, limit="500/m", why="a test", lasting="10m"
            )
            limits = await called(client, "limits", client=CLIENT)
            undone = await called(client, "limits_unset", client=CLIENT, why="over")
            reset = await called(client, "reset", client=CLIENT, why="again")
            changed = await called(client, "audit", client=CLIENT, since="1h")

        async with Redis.from_url(running.redis_url, decode_responses=True) as redis:
            audit = await audited(redis)

    assert tools.keys() == READING | ACTING
    assert all(tool.description for tool in tools.values())
    assert {
        name for name, tool in tools.items() if tool.annotations and tool.annotations.read_only_hint
    } == READING
    assert status["totals"] == {"requests": 60, "admitted": 20, "refused": 40, "failed": 0, "unidentified": 0}
    assert [node["id"] for node in nodes["nodes"]] == ["node-1", "node-2"]
    assert [one["id"] for one in top["clients"]] == [CLIENT]
    assert "limit_breach" in [found["code"] for found in diagnosis["findings"]]
    assert "In force here:" in explained["text"]
    assert "SUBJECT_BREACH_REFUSED=20" in explained["text"]
    assert [found["subject"]["id"] for found in explained["findings"]] == [CLIENT]
    assert why["verdict"] in ("refused", "lately")
    assert (why["source"], why["windows"][0]["remaining"]) == ("default", 0)
    assert [record["why"] for record in changed["records"]] == ["a test", "over", "again"]
    assert done["limit"] == "500/m"
    assert f"{CLIENT} now has 500/m until" in done["told"]
    assert "(was 20/m, default)" in done["told"]
    assert done["undo"].startswith(f"subject limits unset {CLIENT}")
    assert (limits["limits"][0]["limit"], limits["limits"][0]["why"]) == ("500/m", "a test")
    assert undone["client"] == reset["client"] == CLIENT
    assert [(record.action, record.why) for record in audit] == [
        ("set", "a test"),
        ("unset", "over"),
        ("reset", "again"),
    ]
    assert all(record.by.endswith("(mcp)") for record in audit)


async def test_without_leave_it_only_looks_and_bad_input_is_refused_in_words() -> None:
    async with cluster.running(Plan(nodes=1)) as running:
        async with session(running.redis_url, running.environment) as client:
            assert {tool.name for tool in (await client.list_tools()).tools} == READING
            assert "Unknown tool" in await refused(client, "reset", client=CLIENT, why="x")
            assert "there is no code of that name (codes: cardinality_attack" in await refused(
                client, "explain", code="x\x1b"
            )
            assert "most is between 1 and 100" in await refused(client, "top", most=0)
            assert "most" in await refused(client, "top", most="many")
            assert "code" in await refused(client, "explain")
            assert "that is no client id" in await refused(client, "limits", client="no id!")
            assert "that is no client id" in await refused(client, "why", client="no id!")
            assert "no node knows a client" in await refused(client, "why", client="nobody")
            assert "is no duration" in await refused(client, "audit", since="yesterday")

        async with session(running.redis_url, running.environment, SUBJECT_MCP_ACTIONS="true") as client:
            for wrong, told in (
                ({"limit": "much", "why": "x"}, "'much' is not a limit: "),
                ({"limit": "5/m", "why": "  "}, "why is empty"),
                ({"limit": "5/m", "why": "x", "lasting": "soon"}, "is no duration"),
                ({"limit": "5/m", "why": "x" * 301}, "300 at most"),
            ):
                assert told in await refused(client, "limits_set", client=CLIENT, **wrong)
            secret = await refused(
                client, "limits_set", client="sk_live_4eC39HqLyjWDarjt", limit="5/m", why="x"
            )
            assert "no node knows a client sk_l…" in secret
            assert "4eC39HqLyjWDarjt" not in secret
            assert "has no limit that was set live" in await refused(
                client, "limits_unset", client=CLIENT, why="x"
            )

        async with Redis.from_url(running.redis_url, decode_responses=True) as redis:
            assert await redis.exists("ratelimit:audit", "ratelimit:overrides") == 0


async def test_without_redis_it_says_so_and_goes_on() -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    async with session(nowhere, cluster.own_environment(), SUBJECT_MCP_ACTIONS="true") as client:
        diagnosis = await called(client, "diagnose")
        error = await refused(client, "reset", client=CLIENT, why="x")
        top = await called(client, "top")

    assert [found["code"] for found in diagnosis["findings"]] == ["observer_blind"]
    assert "does not answer" in error
    assert top["clients"] is None


async def test_calls_at_one_time_are_all_answered(redis_url: str) -> None:
    async with session(redis_url, cluster.own_environment()) as client:
        documents = await asyncio.gather(*(called(client, tool) for tool in ("status", "nodes", "top") * 4))

    assert len(documents) == 12


async def test_it_ends_with_its_input_and_writes_nothing_of_its_own(redis_url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "subject", "mcp"),
        env={**cluster.own_environment(), "REDIS_URL": redis_url},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(b""), 30)

    assert (process.returncode, out, err) == (0, b"", b"")


async def test_without_the_sdk_it_says_what_to_install(redis_url: str) -> None:
    program = "import sys; sys.modules['mcp'] = None; from subject.__main__ import main; main()"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, "mcp"),
        env={**cluster.own_environment(), "REDIS_URL": redis_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await asyncio.wait_for(process.communicate(), 30)

    assert process.returncode == 2
    assert (
        err.decode() == "subject: subject mcp needs the extra mcp: pip install 'operator-ratelimiter[mcp]'\n"
    )


def written(*messages: dict[str, Any]) -> bytes:
    """JSON-RPC, a line each, behind the greeting."""
    greeting = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    first = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": greeting}
    lines = (first, {"jsonrpc": "2.0", "method": "notifications/initialized"}, *messages)
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def call(tool: str, **arguments: object) -> dict[str, Any]:
    parameters = {"name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": parameters}


async def greeted(redis_url: str, *messages: dict[str, Any]) -> asyncio.subprocess.Process:
    """A server that has answered the greeting, and was sent these messages."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "subject", "mcp"),
        env=environment(redis_url, {"SUBJECT_MCP_ACTIONS": "true"}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(written(*messages))
    assert b'"protocolVersion"' in await asyncio.wait_for(process.stdout.readline(), 30)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_though_its_input_is_open(redis_url: str, number: signal.Signals) -> None:
    process = await greeted(redis_url)
    process.send_signal(number)

    assert await asyncio.wait_for(process.wait(), 30) == 130
    assert process.stderr is not None
    assert await process.stderr.read() == b""


async def test_who_takes_no_answers_any_more_ends_it_in_order(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()])
    process = await greeted(redis_url)
    process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]  # asyncio has no other way
    assert process.stdin is not None
    process.stdin.write(written(call("status"))[len(written()) :])
    process.stdin.close()

    assert await asyncio.wait_for(process.wait(), 30) == 0
    assert process.stderr is not None
    assert await process.stderr.read() == b""


async def test_a_change_is_whole_where_a_signal_comes_meanwhile(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()])
    host, port = parse_redis_url(redis_url).addresses[0]
    async with delay_proxy.running(host, port) as proxy:
        proxy.delay_seconds = 0.1
        url = redis_url.replace(f":{port}/", f":{proxy.port}/")
        process = await greeted(url, call("limits_set", client=CLIENT, limit="7/m", why="x"))
        await eventually(lambda: live_changes(redis_client), lambda live: live.limits)
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 30)

    assert [one.after for one in await audited(redis_client)] == ["7/m"]


async def test_what_another_operator_set_is_not_overwritten_unseen_and_can_be_put_back(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record()], policies().table)
    given = environment(redis_url)
    async with session(redis_url, given, SUBJECT_MCP_ACTIONS="true") as operator:
        seen = (await called(operator, "limits", client=CLIENT))["limits"][0]["revision"]
        await called(operator, "limits_set", client=CLIENT, limit="7/m", why="x", revision=seen)
        change = {"client": CLIENT, "why": "x", "revision": seen}
        conflicts = [
            await refused(operator, "limits_set", limit="9/m", **change),
            await refused(operator, "limits_unset", **change),
        ]
        taken = await called(operator, "limits_unset", client=CLIENT, why="x")

    assert all("was changed meanwhile: it has 7/m" in told for told in conflicts)
    assert taken["undo"] == f"subject limits set {CLIENT} 7/m --why undo --revision none"


async def test_of_very_many_limits_a_model_is_told_some_the_live_ones_first(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record()], policies(clients={f"a{n}": "5/s" for n in range(150)}).table)
    async with session(redis_url, environment(redis_url), SUBJECT_MCP_ACTIONS="true") as operator:
        await called(operator, "limits_set", client="a99", limit="7/m", why="x")
        told = await called(operator, "limits")

    assert told["limits"][0]["client"] == "a99"
    assert (len(told["limits"]), told["more"]) == (100, 50)


async def given_up(call: "asyncio.Task[Any]") -> None:
    """The SDK tells the server that nobody waits for this call any more."""
    call.cancel()
    with suppress(asyncio.CancelledError):
        await call
    assert call.cancelled()


async def test_calls_that_are_given_up_leave_nothing_and_the_server_goes_on(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record()])
    host, port = parse_redis_url(redis_url).addresses[0]
    async with delay_proxy.running(host, port) as proxy:

        async def connections() -> int:
            return len(proxy.sides) // 2

        async def under_way() -> bool:
            return any(side.queue for side in proxy.sides)

        url = redis_url.replace(f":{port}/", f":{proxy.port}/")
        async with session(url, environment(url), SUBJECT_TIMEOUT_SECONDS="10") as client:
            await called(client, "status")
            for tool, arguments in (
                ("diagnose", {}),
                ("audit", {}),
                ("why", {"client": CLIENT}),
                ("top", {}),
            ):
                proxy.delay_seconds = 0.5
                call = asyncio.create_task(client.call_tool(tool, arguments))
                await eventually(under_way, bool)
                await given_up(call)
                proxy.delay_seconds = 0.0
                nodes = (await called(client, "nodes"))["nodes"]

                assert [node["id"] for node in nodes] == ["node-1"]
            await eventually(connections, lambda number: number == 1)


async def test_a_change_that_is_given_up_is_whole_and_keeps_nobody_off(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record()])
    host, port = parse_redis_url(redis_url).addresses[0]
    async with delay_proxy.running(host, port) as proxy:
        url = redis_url.replace(f":{port}/", f":{proxy.port}/")
        async with session(url, environment(url), SUBJECT_MCP_ACTIONS="true") as client:
            proxy.delay_seconds = 0.1
            call = asyncio.create_task(
                client.call_tool("limits_set", {"client": CLIENT, "limit": "7/m", "why": "x"})
            )
            await eventually(lambda: live_changes(redis_client), lambda live: live.limits)
            await given_up(call)
            proxy.delay_seconds = 0.0
            again = await called(client, "limits_set", client=CLIENT, limit="9/m", why="y")

    assert "(was 7/m, override by" in again["told"]
    assert [one.after for one in await audited(redis_client)] == ["7/m", "9/m"]
    assert not await redis_client.exists(keys.editing(CLIENT))
