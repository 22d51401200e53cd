"""Why a client is refused, asked of real nodes and a real Redis."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.client_id import DEFAULT_SECRET, unknown_client_id
from gateway.contract.records import STREAM_FIELD, encode, for_history
from loadtest.ports import free_port
from subject.telemetry.redis_reads import redis_time
from tests.integration.gateway.client import Answer
from tests.integration.gateway.node import Node, eventually, running_node
from tests.integration.gateway.upstream import Upstream
from tests.integration.subject.publishing import nowhere, publish, subject
from tests.unit.subject.builders import NodeScript, always, policies, record

CLIENT = unknown_client_id("key-1", DEFAULT_SECRET)
LIMIT = "3/h"
QUICK = {"SUBJECT_NODE_DOWN_SECONDS": "10"}


@pytest.fixture
async def nodes(redis_client: Redis, redis_url: str, upstream: Upstream) -> AsyncIterator[list[Node]]:
    """Two that have written to the roster."""
    async with AsyncExitStack() as stack:
        started = [
            await stack.enter_async_context(
                running_node(
                    node_id=f"node-{n}", redis_url=redis_url, upstream_url=upstream.url, default_limit=LIMIT
                )
            )
            for n in (1, 2)
        ]
        await eventually(lambda: redis_client.hlen(keys.NODES), lambda number: number == 2)
        yield started


async def answers(node: Node, number: int, *lines: bytes) -> list[Answer]:
    async with await node.connect() as client:
        return [await client.get(b"/", *lines) for _ in range(number)]


async def why(*arguments: str, redis_url: str, stdin: str = "") -> dict[str, Any]:
    run = await subject("why", *arguments, "--json", redis_url=redis_url, stdin=stdin, settings=QUICK)
    assert run.code == 0, run.err
    document: dict[str, Any] = json.loads(run.out)
    return document


async def refused(redis_url: str, times: int) -> dict[str, Any]:
    """The answer as soon as both nodes have published that they have refused it so many times."""

    async def look() -> dict[str, Any]:
        return await why(CLIENT, redis_url=redis_url)

    return await eventually(look, lambda told: told["refused_since"] == times)


async def test_a_refused_client_is_told_by_which_policy_where_and_until_when(
    nodes: list[Node], redis_url: str
) -> None:
    first = await answers(nodes[0], 6)
    second = await answers(nodes[1], 4)
    told = await refused(redis_url, 7)
    text = (await subject("why", CLIENT, redis_url=redis_url, settings=QUICK)).out

    assert [one.status for one in first + second] == [200] * 3 + [429] * 7
    assert told["verdict"] == "refused"
    assert (told["limit"], told["source"], told["refused_since"]) == (LIMIT, "default", 7)
    (window,) = told["windows"]
    assert (window["count"], window["remaining"]) == (3, 0)
    wait = float(first[-1].value("Retry-After") or b"0")
    assert abs(told["next_at"] - told["at"] - wait) < 60
    assert re.match(
        rf"{CLIENT} is being refused: \S+ of its \S+ requests a second, by default \(3 of 3\), 7 times", text
    )
    assert "The next request passes at " in text
    assert re.search(r"3/h, the default \(GATEWAY_DEFAULT_LIMIT\) \(applies\)", text)
    assert "Of the last 10 s. alone: decided without Redis, of all that the node decided\n" in text


async def test_the_next_request_passes_when_it_is_said_to(
    redis_client: Redis, redis_url: str, upstream: Upstream
) -> None:
    async with running_node(redis_url=redis_url, upstream_url=upstream.url, default_limit="2/3s") as node:
        await eventually(lambda: redis_client.hlen(keys.NODES), lambda number: number == 1)
        async with await node.connect() as client:
            assert [(await client.get()).status for _ in range(3)] == [200, 200, 429]
            told = await why(CLIENT, redis_url=redis_url)
            next_at = told["next_at"]
            assert isinstance(next_at, float)
            assert next_at > await redis_time(redis_client)
            before = (await client.get()).status
            still = await redis_time(redis_client) < next_at
            assert before == 429 or not still
            await asyncio.sleep(max(0.0, next_at - await redis_time(redis_client)))
            # A refusal is remembered for the rest of a sub-interval.
            await eventually(client.get, lambda answer: answer.status == 200, 1.0)


async def test_one_request_is_found_by_its_id_on_whichever_node_it_was(
    nodes: list[Node], redis_url: str
) -> None:
    await answers(nodes[0], 3)
    (refusal,) = await answers(nodes[1], 1)
    request_id = (refusal.value("X-Request-Id") or b"").decode()
    head = b"\r\n".join((refusal.start_line, *refusal.lines)).decode()
    pasted = f"{head}\r\n\r\n{refusal.body.decode()}"

    by_id = await why("--request", request_id, redis_url=redis_url)
    by_itself = await why(request_id, redis_url=redis_url)
    by_paste = await why("--answer", redis_url=redis_url, stdin=pasted)
    text = await subject("why", "--request", request_id, redis_url=redis_url, settings=QUICK)

    for told in (by_id, by_itself, by_paste):
        assert told["client"] == CLIENT
        request = told["request"]
        assert isinstance(request, dict)
        assert request["request_id"] == request_id
        (by,) = request["by"]
        assert (by["name"], by["limit"], by["remaining"]) == ("default", LIMIT, 0)
    assert re.match(
        r"The request was refused at \S+: default \(3/h\) had no room, for 3,\d{3}\.\d s to come\.", text.out
    )


async def test_the_body_alone_tells_the_policy_and_whom_it_refuses(nodes: list[Node], redis_url: str) -> None:
    await answers(nodes[0], 6)
    (refusal,) = await answers(nodes[1], 1)
    await refused(redis_url, 4)
    run = await subject("why", "--answer", redis_url=redis_url, stdin=refusal.body.decode(), settings=QUICK)

    assert run.code == 0, run.err
    assert "default: the default, 3/h (GATEWAY_DEFAULT_LIMIT)." in run.out
    assert f"Refused at this moment, and under it: {CLIENT} (subject why CLIENT)." in run.out


async def test_a_request_that_nobody_remembers_is_said_to_be_none(nodes: list[Node], redis_url: str) -> None:
    (admitted,) = await answers(nodes[0], 1)
    request_id = (admitted.value("X-Request-Id") or b"").decode()
    for arguments in (("--request", request_id), (request_id,), ("--request", "../state")):
        run = await subject("why", *arguments, redis_url=redis_url, settings=QUICK)
        assert (run.code, run.out) == (2, "")
        assert "no node that answers remembers a request of this id: each does the last 1,000" in run.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "name a client, or give --request ID or --answer"),
        (("no id!",), "subject whois tells the id"),
        (("nobody",), "no node knows a client nobo…"),
        (("--request", "a b"), "that is no request id"),
        (("--answer",), "paste the answer with its head"),
        (("--answer", "--request", "x"), "not allowed with argument"),
    ],
)
async def test_what_names_nobody_is_refused(
    redis_client: Redis, redis_url: str, arguments: tuple[str, ...], expected: str
) -> None:
    await publish(redis_client, [record()], policies().table)
    run = await subject("why", *arguments, redis_url=redis_url)

    assert (run.code, run.out, run.err.count("\n")) == (2, "", 1)
    assert expected in run.err


async def test_what_was_changed_lately_is_told(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()], policies("100/m", {"acme": "50/s"}).table)
    await subject("limits", "set", "acme", "7/s", "--why", "too \x1b[2J much", redis_url=redis_url)
    await subject("reset", "acme", redis_url=redis_url)
    run = await subject("why", "acme", redis_url=redis_url)

    assert run.code == 0
    assert re.search(
        r"Changed in the last day:\n +\S+ set to 7/s by \S+: too \\x1b\[2J much\n +\S+ reset by ", run.out
    )
    assert re.search(r"7/s, set live by \S+ at \S+: too .* \(applies\)", run.out)
    assert "50/s, its own in the clients file (would, without what stands above it)" in run.out


async def test_refusals_that_began_hours_ago_are_followed_back(redis_client: Redis, redis_url: str) -> None:
    script = NodeScript(
        requests=always(9),
        refused=always(3),
        clients={CLIENT: always(9)},
        refused_clients={CLIENT: always(3)},
    )
    written = await publish(redis_client, script.records(3000), policies().table)
    await redis_client.xtrim(keys.TELEMETRY, maxlen=600, approximate=False)
    for one in written[::10]:
        await redis_client.xadd(
            keys.HISTORY,
            {STREAM_FIELD: encode(for_history(one))},
            id=f"{int(1000 * one.at)}-0",
        )
    # The stream's ids are of when they were written here, so nodes' seconds are taken from the records.
    told = await why(CLIENT, redis_url=redis_url)

    since, at = told["since"], told["at"]
    assert isinstance(since, float | int)
    assert isinstance(at, float)
    assert 2900 < at - since < 3010
    assert told["since_is_known"]
    assert 8500 < int(str(told["refused_since"])) < 9100


async def test_who_asks_for_a_request_where_nothing_can_be_seen_is_told_so() -> None:
    run = await subject("why", "--request", "a" * 32, redis_url=nowhere())

    assert (run.code, run.out) == (3, "")
    assert "does not answer (connection refused)" in run.err


async def test_without_redis_nodes_tell_and_blindness_is_said(redis_client: Redis) -> None:
    away = await subject("why", CLIENT, redis_url=nowhere())
    asked = await subject(
        "why", CLIENT, "--json", redis_url=nowhere(), settings={"SUBJECT_NODES": f"127.0.0.1:{free_port()}"}
    )

    assert (away.code, asked.code) == (3, 3)
    assert "is refused is not known: " in away.out
    assert "Who has changed anything of it is not known: the audit stands in Redis." in away.out
    assert "Nobody" not in away.out
    assert "No node lists it" not in away.out
    assert json.loads(asked.out)["verdict"] == "unknown"
    assert json.loads(asked.out)["changes"] is None
