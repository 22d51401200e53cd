import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.contract import codec, keys
from gateway.contract.client_id import DEFAULT_SECRET, unknown_client_id
from gateway.contract.policy_table import PolicyTable
from gateway.contract.telemetry import Store
from loadtest.ports import free_port
from loadtest.redis_server import RedisServer
from tests.integration.subject.publishing import (
    Run,
    answering,
    audited,
    live_changes,
    nowhere,
    publish,
    publish_cluster,
    subject,
    subject_process,
)
from tests.unit.subject.builders import NodeScript, always, entry, even, policies, record

CLIENT = "k_0123456789abcdef"
SHOWING = ["status", "nodes", "top", "diagnose", "limits"]
KEY = "sk-very-secret-4711"
WHY = ("--why", "a test")


def registered_only() -> PolicyTable:
    """The limits of nodes that refuse unknown keys."""
    table = policies(clients={"acme": "5/s"}).table
    assert table is not None
    return replace(table, unknown_keys="reject")


@pytest.mark.parametrize("client", ["203.0.113.7", "2001:db8::/64"])
async def test_an_address_is_a_client_where_nodes_take_it_for_one(
    redis_client: Redis, redis_url: str, client: str
) -> None:
    table = replace(registered_only(), anonymous="address")
    await publish_cluster(redis_client, even(always(60), clients={client: always(3)}), 60, table)

    done = await subject("limits", "set", client, "7/m", *WHY, redis_url=redis_url)
    shown = await subject("limits", "get", client, redis_url=redis_url)
    again = await subject("reset", client, *WHY, redis_url=redis_url)
    busiest = await subject("top", redis_url=redis_url)

    assert (done.code, shown.code, again.code) == (0, 0, 0)
    assert "7/m (override)" in shown.out
    assert client in busiest.out


async def test_an_address_is_no_client_where_keys_are_needed(redis_client: Redis, redis_url: str) -> None:
    await publish_cluster(redis_client, even(always(60)), 60, registered_only())

    unused = await subject("limits", "set", "203.0.113.7", "7/m", *WHY, redis_url=redis_url)
    single = await subject("limits", "set", "2001:db8::7", "7/m", *WHY, redis_url=redis_url)

    assert (unused.code, single.code) == (2, 2)
    assert "no request without a key" in unused.err
    assert "2001:db8::/64" in single.err


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
    async with answering(entry(replace(alive, store=Store(False)))) as address:
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
        answering(entry(record("node-1", store=Store(connected=False)))) as address,
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
        await redis_client.hset(keys.NODES, "node-1", codec.encode(odd))
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


async def test_limits_are_set_shown_and_unset(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()], policies("100/m", {"acme": "50/s"}).table)

    done = await subject("limits", "set", "acme", "500/m", "--why", "a big day", redis_url=redis_url)
    shown = await subject("limits", "get", "acme", "--json", redis_url=redis_url)
    undone = await subject("limits", "unset", "acme", redis_url=redis_url)
    again = await subject("limits", "unset", "acme", redis_url=redis_url)

    (limit,) = json.loads(shown.out)["limits"]
    assert done == Run(
        0,
        "acme now has 500/m (was 50/s, client); nodes take it over within a second. "
        f"Undo: subject limits unset acme --revision {limit['revision']}\n",
        "",
    )
    assert (limit["client"], limit["limit"], limit["source"]) == ("acme", "500/m", "override")
    assert limit["why"] == "a big day"
    assert "acme no longer has 500/m" in undone.out
    assert (again.code, "nothing was changed" in again.out) == (0, True)
    records = await audited(redis_client)
    assert [(one.action, one.before, one.after) for one in records] == [
        ("set", None, "500/m"),
        ("unset", "500/m", None),
    ]
    assert records[0].by


async def test_limits_shows_the_default_the_plans_and_who_has_one(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record()], policies("100/m", {"acme": "50/s"}).table)
    await subject("limits", "set", CLIENT, "7/s", "--why", "x", redis_url=redis_url)

    run = await subject("limits", redis_url=redis_url)

    assert "Default 100/m" in run.out
    assert "50/s (client)" in run.out
    assert "7/s (override)" in run.out


async def test_limits_takes_one_look(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()], policies("100/m", {"acme": "50/s"}).table)
    await redis_client.config_resetstat()

    await subject("limits", redis_url=redis_url)

    statistics: Any = await redis_client.info("commandstats")
    assert statistics["cmdstat_xrange"]["calls"] == 2  # of the telemetry, and of the history


async def test_a_reset_says_what_it_did(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()])

    run = await subject("reset", CLIENT, redis_url=redis_url)

    assert (run.code, run.err) == (0, "")
    assert "begins anew (generation 1)" in run.out
    assert (await live_changes(redis_client)).generations == {CLIENT: 1}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["limits", "set", CLIENT, "many", *WHY], "write N/period, as in 100/m"),
        (["limits", "set", CLIENT, *WHY], "the following arguments are required: N/PERIOD"),
        (["limits", "set", "no id!", "5/s", *WHY], "subject whois tells the id"),
        (["limits", "set", "nobody", "5/s", *WHY], "no node knows a client nobo… (registered: acme)"),
        (["reset", CLIENT, "--why", "\udcff"], "is not Unicode"),
        (["limits", "set", CLIENT, "5/s", "--why", "\udcff"], "is not Unicode"),
        (["limits", "set", CLIENT, "5/s"], "the following arguments are required: --why"),
        (
            ["limits", "set", CLIENT, "5/s", "--why", "x" * 301],
            "has 301 characters: 300 at most go to the audit",
        ),
        (
            ["limits", "set", CLIENT, "5/s", *WHY, "--for", "soon"],
            "write a whole number and s, m, h or d, as in",
        ),
        (
            ["limits", "set", CLIENT, "5/s", *WHY, "--for", "1.5h"],
            "write a whole number and s, m, h or d, as in",
        ),
        (["limits", "set", CLIENT, "5/s", *WHY, "--for", "0m"], "a duration is between 1s and 366d"),
        (["limits", "set", CLIENT, "5/s", *WHY, "--for", "367d"], "a duration is between 1s and 366d"),
        (["audit", "--since", "yesterday"], "write a whole number and s, m, h or d, as in"),
        (["audit", "--client", "no id!"], "subject whois tells the id"),
        (["limits", "get", "no id!"], "subject whois tells the id"),
        (["limits", "unset", "no id!"], "subject whois tells the id"),
        (["reset", "no id!"], "subject whois tells the id"),
        (["reset"], "the following arguments are required: CLIENT"),
        (["frobnicate"], "invalid choice"),
        ([], "COMMAND"),
    ],
)
async def test_bad_input_is_one_line_that_says_what_would_be_right(
    redis_client: Redis, redis_url: str, arguments: list[str], expected: str
) -> None:
    await publish(redis_client, [record()], policies(clients={"acme": "5/s"}).table)

    run = await subject(*arguments, redis_url=redis_url)

    assert (run.code, run.out) == (2, "")
    assert run.err.count("\n") == 1
    assert expected in run.err
    assert await redis_client.exists(keys.OVERRIDES, keys.AUDIT) == 0


API_KEY = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
ACTIONS = [["limits", "set", API_KEY, "5/s", *WHY], ["limits", "unset", API_KEY], ["reset", API_KEY]]


@pytest.mark.parametrize(
    "arguments", [*ACTIONS, ["limits", "get", API_KEY], ["limits", "get", API_KEY, "--json"]]
)
@pytest.mark.parametrize("registered", [{"acme": "5/s"}, None])
async def test_a_key_given_as_a_name_goes_nowhere(
    redis_client: Redis, redis_url: str, arguments: list[str], registered: dict[str, str] | None
) -> None:
    await publish(redis_client, [record()], policies(clients=registered).table)

    run = await subject(*arguments, redis_url=redis_url)

    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("subject: no node knows a client sk_l… (registered: ")
    assert run.err.endswith("subject whois tells the id of an API key\n")
    assert await redis_client.exists(keys.OVERRIDES, keys.AUDIT) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [API_KEY],
        ["limits", API_KEY],
        ["limits", "set", CLIENT, API_KEY, *WHY],
        ["limits", "set", CLIENT, "9'" + API_KEY, *WHY],
        ["reset", CLIENT, API_KEY],
        ["status", f"--json={API_KEY}"],
        ["whois", API_KEY],
        ["--" + API_KEY, "status"],
    ],
    ids=str,
)
async def test_a_key_in_the_wrong_place_is_not_repeated(arguments: list[str]) -> None:
    run = await subject(*arguments, redis_url=nowhere())

    assert (run.code, run.out) == (2, "")
    assert API_KEY[5:] not in run.err
    assert run.err.count("\n") == 1


async def test_output_that_cannot_be_written_is_one_line(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()])
    full = os.open("/dev/full", os.O_WRONLY)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "subject", "nodes"),
        stdout=full,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "REDIS_URL": redis_url},
    )
    os.close(full)
    _, err = await asyncio.wait_for(process.communicate(), 20)

    assert process.returncode == 3
    assert err == b"subject: cannot write the output: No space left on device\n"


@pytest.mark.parametrize(
    "arguments", [*ACTIONS, ["limits", "get", API_KEY], ["limits", "get", API_KEY, "--json"]]
)
async def test_a_key_given_as_a_name_is_not_shown_without_redis_either(arguments: list[str]) -> None:
    run = await subject(*arguments, redis_url=nowhere())

    assert run.code == 3
    assert API_KEY not in run.out + run.err


async def test_what_was_changed_for_a_name_that_has_gone_can_be_taken_back(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record()], policies(clients={"acme": "5/s"}).table)
    await subject("limits", "set", "acme", "7/s", "--why", "x", redis_url=redis_url)
    await redis_client.delete(*[key async for key in redis_client.scan_iter("ratelimit:policies:*")])

    refused = await subject("limits", "set", "acme", "9/s", "--why", "x", redis_url=redis_url)
    runs = [
        await subject(*arguments, redis_url=redis_url)
        for arguments in (
            ["limits", "get", "acme"],
            ["reset", "acme"],
            ["limits", "unset", "acme"],
            ["reset", "acme"],
        )
    ]

    assert refused.code == 2
    assert [run.code for run in runs] == [0, 0, 0, 0]


CHANGES = [["limits", "set", CLIENT, "5/s", *WHY], ["limits", "unset", CLIENT], ["reset", CLIENT]]


@pytest.mark.parametrize("arguments", CHANGES)
async def test_a_client_that_no_node_accepts_is_not_changed(
    redis_client: Redis, redis_url: str, arguments: list[str]
) -> None:
    await publish(redis_client, [record()], registered_only())

    run = await subject(*arguments, redis_url=redis_url)

    assert (run.code, run.out) == (2, "")
    assert run.err.startswith(f"subject: nodes accept registered keys only, so none of them uses {CLIENT} ")
    assert await redis_client.exists(keys.OVERRIDES, keys.AUDIT) == 0


@pytest.mark.parametrize("arguments", CHANGES)
async def test_nothing_is_changed_in_a_redis_that_no_node_uses(
    redis_client: Redis, redis_url: str, arguments: list[str]
) -> None:
    run = await subject(*arguments, redis_url=redis_url)

    assert (run.code, run.out) == (3, "")
    assert run.err.startswith("subject: no node has ever written to this Redis (127.0.0.1:")
    assert run.err.count("\n") == 1
    assert await redis_client.exists(keys.OVERRIDES, keys.AUDIT) == 0


@pytest.mark.parametrize("arguments", CHANGES)
async def test_an_action_without_redis_is_exit_3_in_one_line(arguments: list[str]) -> None:
    url = nowhere()
    address = url.removeprefix("redis://").partition("/")[0]

    run = await subject(*arguments, redis_url=url)

    assert (run.code, run.out) == (3, "")
    assert run.err == (
        f"subject: Redis at {address} does not answer (connection refused): "
        "try again when it does, or see REDIS_URL\n"
    )


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


async def test_an_action_that_redis_refuses_is_one_line(own_redis: RedisServer, own_client: Redis) -> None:
    await own_client.config_set("requirepass", "hunter2")
    place = own_redis.url.removeprefix("redis://").partition("/")[0]

    run = await subject("reset", CLIENT, redis_url=own_redis.url)

    assert (run.code, run.out) == (3, "")
    assert run.err == (
        f"subject: Redis at {place} refuses: it asks for a password: write it into REDIS_URL, "
        "as :PASSWORD@HOST (Authentication required)\n"
    )


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


async def test_an_action_names_the_key_that_is_something_else(redis_client: Redis, redis_url: str) -> None:
    await redis_client.set(keys.NODES, "x")

    run = await subject("reset", CLIENT, redis_url=redis_url)

    assert (run.code, run.out) == (3, "")
    assert "refuses: ratelimit:nodes is no hash; see REDIS_URL" in run.err
    assert run.err.count("\n") == 1


async def test_a_malformed_override_is_shown_and_left_out(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()], policies().table)
    await redis_client.hset(keys.OVERRIDES, f"limit:{CLIENT}", "{")

    run = await subject("limits", redis_url=redis_url)

    assert run.code == 0
    assert f"override limit:{CLIENT}" in run.out


async def test_a_malformed_setting_is_one_line_and_exit_2() -> None:
    run = await subject("status", redis_url=nowhere(), settings={"SUBJECT_NODES": "x"})

    assert (run.code, run.out) == (2, "")
    assert (
        run.err == "subject: SUBJECT_NODES=x: write admin addresses as HOST:PORT, with commas between them\n"
    )


async def test_a_misspelt_setting_is_warned_of() -> None:
    run = await subject("status", redis_url=nowhere(), settings={"SUBJECT_SKEWRATIO": "2"})

    assert "SUBJECT_SKEWRATIO is no setting" in run.err


async def test_help_and_version_are_there() -> None:
    assert (await subject_process("--version", redis_url=nowhere())).out.startswith("subject ")
    assert "diagnose" in (await subject_process("--help", redis_url=nowhere())).out


async def test_processes_end_with_the_codes_of_the_command_line(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()])
    wrong = await subject_process("limits", "set", CLIENT, "many", *WHY, redis_url=redis_url)
    away = await subject_process("reset", CLIENT, redis_url=nowhere())
    done = await subject_process("limits", "set", CLIENT, "5/s", *WHY, redis_url=redis_url)
    who = await subject_process("whois", redis_url=nowhere(), stdin=KEY)

    assert [run.code for run in (wrong, away, done, who)] == [2, 3, 0, 0]
    assert KEY not in who.out + who.err


@pytest.mark.parametrize("secret", [None, "shared by all nodes"])
async def test_whois_tells_the_id_and_never_the_key(secret: str | None) -> None:
    given = {} if secret is None else {"GATEWAY_IDENTITY_SECRET": secret}

    run = await subject("whois", redis_url=nowhere(), stdin=KEY + "\n", settings=given)

    assert (run.code, run.out) == (0, unknown_client_id(KEY, secret or DEFAULT_SECRET) + "\n")
    assert KEY not in run.err
    assert ("GATEWAY_IDENTITY_SECRET" in run.err) is (secret is None)


async def test_whois_names_a_registered_client(tmp_path: Path) -> None:
    path = tmp_path / "clients.toml"
    path.write_text(f'[[clients]]\nname = "acme"\nkey = "{KEY}"\n')
    given = {"GATEWAY_CLIENTS_FILE": str(path)}

    known = await subject("whois", "--json", redis_url=nowhere(), stdin=KEY, settings=given)
    unknown = await subject("whois", redis_url=nowhere(), stdin="another", settings=given)

    assert json.loads(known.out) == {"client": "acme"}
    assert (unknown.code, unknown.out) == (2, "")
    assert unknown.err == "subject: no registered client has this key (see GATEWAY_CLIENTS_FILE)\n"


async def test_whois_names_the_client_of_each_line_if_asked_to() -> None:
    given = [KEY, "another", "a third"]

    run = await subject("whois", "--all", redis_url=nowhere(), stdin=f"{KEY}\nanother\n")
    wrong = await subject("whois", "--all", redis_url=nowhere(), stdin="\n".join(given))

    assert run.out.splitlines() == [unknown_client_id(key, DEFAULT_SECRET) for key in given[:2]]
    assert (wrong.code, wrong.out) == (2, "")


async def test_whois_names_nobody_where_all_nodes_accept_registered_keys_only(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record()], registered_only())

    run = await subject("whois", redis_url=redis_url, stdin=KEY)

    assert (run.code, run.out) == (2, "")
    assert run.err == (
        "subject: nodes accept registered keys only: set GATEWAY_CLIENTS_FILE to their clients file to name "
        "this one\n"
    )


async def test_whois_tells_the_id_where_nodes_accept_unknown_keys(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record()], policies().table)

    run = await subject("whois", redis_url=redis_url, stdin=KEY)

    assert (run.code, run.out) == (0, unknown_client_id(KEY, DEFAULT_SECRET) + "\n")
    assert "does not tell" not in run.err


@pytest.mark.parametrize("stdin", ["", "\n", "two words\n", "é\n", "x" * 300])
async def test_whois_refuses_what_is_no_key(stdin: str) -> None:
    run = await subject("whois", redis_url=nowhere(), stdin=stdin)

    assert (run.code, run.out) == (2, "")
    assert run.err.count("\n") == 1
    assert stdin.strip() == "" or stdin.strip() not in run.err


@pytest.mark.parametrize("content", [None, "[[clients]]\n", "\x00"])
async def test_an_unusable_clients_file_is_one_line(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "clients.toml"
    if content is not None:
        path.write_text(content)

    run = await subject("whois", redis_url=nowhere(), stdin=KEY, settings={"GATEWAY_CLIENTS_FILE": str(path)})

    assert (run.code, run.out) == (2, "")
    assert run.err.startswith(f"subject: GATEWAY_CLIENTS_FILE={path}: ")
    assert run.err.count("\n") == 1


async def test_a_key_typed_in_a_terminal_is_not_echoed() -> None:
    terminal, inner = os.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "subject",
        "whois",
        stdin=inner,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    prompt = await asyncio.wait_for(process.stderr.readuntil(b"API key: "), 20)
    os.write(terminal, KEY.encode() + b"\n")
    out, err = await asyncio.wait_for(process.communicate(), 20)
    os.write(inner, b"end")
    echoed = os.read(terminal, 1000)
    os.close(inner)
    os.close(terminal)

    assert out.startswith(b"k_")
    assert KEY.encode() not in prompt + out + err + echoed
