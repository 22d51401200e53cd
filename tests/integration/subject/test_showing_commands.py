"""Commands that show something: what they say of a cluster, and their exit codes."""

import asyncio
import json
import os
import signal
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import StoreStatus, encode
from loadtest.ports import free_port
from loadtest.redis_server import RedisServer
from tests.integration.subject.publishing import (
    answering,
    nowhere,
    publish,
    publish_cluster,
    subject,
    subject_process,
)
from tests.unit.subject.builders import NodeScript, always, entry, even, policies, record

CLIENT = "k_0123456789abcdef"
SHOWING = ["status", "nodes", "top", "diagnose", "limits"]


@pytest.mark.parametrize("command", SHOWING)
async def test_a_healthy_cluster_is_exit_0(redis_client: Redis, redis_url: str, command: str) -> None:
    await publish_cluster(redis_client, even(always(60), clients={CLIENT: always(3)}), 60, policies().table)

    run = await subject_process(command, redis_url=redis_url)

    assert (run.code, run.err) == (0, "")
    assert "\x1b" not in run.out
    assert all(line == line.rstrip() for line in run.out.splitlines())


@pytest.mark.parametrize("command", SHOWING)
async def test_json_is_all_that_stands_on_stdout(redis_client: Redis, redis_url: str, command: str) -> None:
    await publish_cluster(redis_client, even(always(60)), 60)

    run = await subject(command, "--json", redis_url=redis_url)

    assert json.loads(run.out)["redis_connected"] is True
    assert run.out.count("\n") == 1


@pytest.mark.parametrize("command", SHOWING)
async def test_without_redis_and_nodes_it_is_exit_3_with_json(command: str) -> None:
    url = nowhere()

    run = await subject_process(command, "--json", redis_url=url)
    text = await subject(command, redis_url=url)

    assert (run.code, text.code) == (3, 3)
    assert json.loads(run.out)["redis_connected"] is False
    assert "observer_blind" in text.out


@pytest.mark.parametrize("command", SHOWING)
async def test_without_redis_but_with_nodes_it_is_exit_1_with_json(
    own_redis: RedisServer, own_client: Redis, command: str
) -> None:
    (alive,) = await publish(own_client, [record("node-1")])
    os.kill(own_redis.pid, signal.SIGKILL)
    async with answering(entry(replace(alive, store=StoreStatus(False)))) as address:
        asked = {"SUBJECT_NODES": f"{address},127.0.0.1:{free_port()}"}
        run = await subject_process(command, "--json", redis_url=own_redis.url, settings=asked)
        text = await subject(command, redis_url=own_redis.url, settings=asked)

    assert (run.code, text.code) == (1, 1)
    assert json.loads(run.out)["redis_connected"] is False
    assert "store_down" in text.out


async def test_a_redis_that_says_nothing_is_waited_for_once() -> None:
    asked = 0

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.read()
        writer.close()

    async with (
        await asyncio.start_server(silent, "127.0.0.1", 0) as server,
        answering(entry(record("node-1", store=StoreStatus(connected=False)))) as address,
    ):
        url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        asks = {"SUBJECT_NODES": address, "SUBJECT_TIMEOUT_SECONDS": "0.3"}
        run = await subject("diagnose", redis_url=url, settings=asks)

    assert (run.code, asked) == (1, 1)
    assert "Redis is stopped or cut off (timed out)" in run.out


@pytest.mark.parametrize("at", [9.2e18, -9.2e18, 2e11])
@pytest.mark.parametrize("command", SHOWING)
async def test_a_node_that_answers_with_an_odd_time_breaks_nothing(
    redis_client: Redis, redis_url: str, command: str, at: float
) -> None:
    written = await publish(redis_client, NodeScript(requests=always(9)).records(20), ended_seconds_ago=90)
    async with answering(entry(replace(written[-1], at=at, sequence=21))) as address:
        odd = replace(entry(written[-1]), admin_address=address)
        await redis_client.hset(keys.NODES, "node-1", encode(odd))
        seen = await subject(command, "--json", redis_url=redis_url)
        away = await subject(command, redis_url=nowhere(), settings={"SUBJECT_NODES": address})

    assert (seen.code, away.code) in [(command == "diagnose", 3), (command == "diagnose", 1), (0, 1)]


async def test_a_node_whose_record_cannot_be_read_is_down(redis_client: Redis, redis_url: str) -> None:
    await publish_cluster(redis_client, even(always(60)), 60)
    await redis_client.hset(keys.NODES, "node-9", '{"of": "another version"}')

    told = await subject("diagnose", redis_url=redis_url)
    status = await subject("status", redis_url=redis_url)
    table = await subject("nodes", redis_url=redis_url)
    document = json.loads((await subject("nodes", "--json", redis_url=redis_url)).out)

    assert told.code == 1
    assert "node_down" in told.out
    assert "node-9 counts as down: its record in Redis cannot be read" in told.out
    assert "a node of another version wrote it" in told.out
    assert "3 Up, 1 Down (node-9)" in status.out
    (row,) = [line for line in table.out.splitlines() if line.startswith("node-9")]
    assert row.split() == ["node-9", "–", "Down", *["–"] * 9]
    (*read, unread) = document["nodes"]
    assert [one.keys() for one in read] == [unread.keys()] * 3
    assert {name: value for name, value in unread.items() if value is not None} == {
        "id": "node-9",
        "state": "Down",
    }


async def test_a_roster_of_unreadable_records_only_is_not_an_empty_one(
    redis_client: Redis, redis_url: str
) -> None:
    await redis_client.hset(keys.NODES, "node-9", "x")

    run = await subject("diagnose", redis_url=redis_url)

    assert run.code == 1
    assert "node_down" in run.out
    assert "observer_blind" not in run.out


async def test_nodes_json_has_the_fixed_names(redis_client: Redis, redis_url: str) -> None:
    await publish_cluster(redis_client, even(always(60), refused=always(5)), 20)

    run = await subject("nodes", "--json", redis_url=redis_url)

    document = json.loads(run.out)
    node = document["nodes"][0]
    assert {"id", "address", "state", "boot_id", "rate", "rejection_ratio", "totals"} <= node.keys()
    assert {"latency_p50_ms", "latency_p99_ms", "store_p99_ms", "last_seen"} <= node.keys()
    assert node["totals"] == {
        "requests": 400,
        "admitted": 300,
        "refused": 100,
        "failed": 0,
        "unidentified": 0,
    }
    assert node["boot_totals"] == node["totals"]
    assert (node["denied"], node["shadow_refused"], node["shadow_ratio"]) == (0, 0, 0.0)
    status = json.loads((await subject("status", "--json", redis_url=redis_url)).out)
    assert status["totals"]["requests"] == 1200
    assert status["rejection_ratio"] == pytest.approx(0.25, abs=0.01)
    assert [one["state"] for one in status["nodes"]] == ["Up", "Up", "Up"]


async def test_top_knows_the_windows_of_all_that_it_lists(redis_client: Redis, redis_url: str) -> None:
    """Also of those who are busy at all nodes together, and first at none."""
    shared = {f"shared-{number}": always(2) for number in range(5)}
    nodes = [
        NodeScript(
            f"node-{node}",
            always(60),
            clients={**{f"own-{node}-{number}": always(3) for number in range(15)}, **shared},
        )
        for node in range(1, 6)
    ]
    named = {client: "100/m" for node in nodes for client in node.clients}
    await publish_cluster(redis_client, nodes, 30, policies(clients=named).table)

    clients = json.loads((await subject("top", "--json", redis_url=redis_url)).out)["clients"]

    assert {client["id"] for client in clients[:5]} == shared.keys()
    assert [client["id"] for client in clients[:20] if client["count"] is None] == []


async def test_diagnose_tells_a_skew_and_exits_1(redis_client: Redis, redis_url: str) -> None:
    scripts = [NodeScript(f"node-{n}", always(rate)) for n, rate in ((1, 12), (2, 96), (3, 12))]
    await publish_cluster(redis_client, scripts, 60)

    run = await subject("diagnose", redis_url=redis_url)
    document = json.loads((await subject("diagnose", "--json", redis_url=redis_url)).out)

    assert run.code == 1
    assert "node-2 serves 80 % of the requests (96 of 120 a second; an even share is 40) since" in run.out
    assert document.keys() == {"at", "healthy", "redis_connected", "findings", "problems"}
    assert document["healthy"] is False
    assert document["findings"][0]["code"] == "node_skew"


async def test_a_pasted_command_of_a_finding_works(redis_client: Redis, redis_url: str) -> None:
    burst = {CLIENT: always(10)}
    scripts = even(always(60), refused=always(10), clients=burst, refused_clients=burst)
    await publish_cluster(redis_client, scripts, 30, policies().table)
    _, found = json.loads((await subject("diagnose", "--json", redis_url=redis_url)).out)["findings"]

    for command in (found["suggested_action"], found["verify_with"]):
        program, *arguments = command.split()
        assert program == "subject"
        run = await subject(*arguments, redis_url=redis_url)
        assert run.code == 0
        assert CLIENT in run.out


@pytest.mark.parametrize("command", ["status", "diagnose"])
async def test_a_redis_that_refuses_is_not_said_to_be_silent(
    own_redis: RedisServer, own_client: Redis, command: str
) -> None:
    await own_client.config_set("requirepass", "hunter2")
    place = own_redis.url.removeprefix("redis://").partition("/")[0]

    run = await subject(command, redis_url=own_redis.url)
    wrong = await subject(command, redis_url=f"redis://:wrong@{place}/0")
    right = await subject(command, "--json", redis_url=f"redis://:hunter2@{place}/0")

    assert (run.code, run.err) == (3, "")
    assert f"Redis at {place} refuses the subject (Authentication required), and no node is known" in run.out
    assert "does not answer" not in run.out + wrong.out
    assert "hunter2" not in run.out + right.out
    assert "refuses" in wrong.out
    assert json.loads(right.out)["redis_connected"] is True


@pytest.mark.parametrize("command", SHOWING)
async def test_one_bad_key_is_told_and_blinds_nobody(
    redis_client: Redis, redis_url: str, command: str
) -> None:
    table = policies("100/m", {"acme": "50/s", "brix": "50/s"}).table
    busy = {"acme": always(3), "brix": always(2)}
    await publish_cluster(redis_client, even(always(60), clients=busy), 60, table)
    foreign = keys.window("acme", keys.CLIENT_SCOPE, 1, 0)
    await redis_client.set(foreign, "x")

    run = await subject(command, redis_url=redis_url)
    status = json.loads((await subject("status", "--json", redis_url=redis_url)).out)

    assert (run.code, run.err) == (0, "")
    assert (f"key {foreign}" in run.out) is (command in ("status", "limits"))
    assert status["unreadable"] == [f"key {foreign}"]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (keys.NODES, "ratelimit:nodes is no hash"),
        (keys.TELEMETRY, "ratelimit:telemetry is no stream"),
    ],
)
async def test_a_key_that_all_looks_need_is_named_where_it_is_something_else(
    redis_client: Redis, redis_url: str, key: str, expected: str
) -> None:
    await publish(redis_client, [record()], policies().table)
    await redis_client.delete(key)
    await redis_client.set(key, "x")

    for command in SHOWING:
        run = await subject(command, redis_url=redis_url)
        assert (run.code, run.err) == (3, "")
        assert len([line for line in run.out.splitlines() if f"({expected})" in line]) == 1
        assert "does not answer" not in run.out
    status = json.loads((await subject("status", "--json", redis_url=redis_url)).out)
    assert status["redis"]["problem"] == expected
