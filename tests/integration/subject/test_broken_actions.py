"""Actions in whose midst Redis goes away or somebody interrupts: nobody says more than is known."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.contract.limits import parse_limits
from gateway.contract.overrides import Overrides
from gateway.contract.redis_url import parse_redis_url
from loadtest import delay_proxy
from loadtest.redis_server import RedisServer
from subject.actions import changes, edits, effects, forget, leases
from subject.errors import ConflictError, HalfDoneError
from subject.telemetry.redis_client import connect
from tests.integration.gateway.node import eventually
from tests.integration.subject.publishing import (
    audited,
    environment,
    live_changes,
    publish,
    subject,
)
from tests.unit.subject.builders import NodeScript, policies, record

WHY = ("--why", "a test")
TABLE = policies("100/m", {"acme": "50/s"}).table
ACTOR = edits.Actor("ana", "a test")


async def test_where_redis_goes_away_as_a_node_is_forgotten_nobody_says_that_it_was_not(
    own_redis: RedisServer, own_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(own_client, NodeScript("node-1").records(5), ended_seconds_ago=90)
    judged = forget._state

    def and_then_stopped(*given: Any, **named: Any) -> str:
        os.kill(own_redis.pid, signal.SIGSTOP)
        return judged(*given, **named)

    monkeypatch.setattr(forget, "_state", and_then_stopped)
    try:
        run = await subject(
            *("nodes", "forget", "node-1"),
            redis_url=own_redis.url,
            settings={"SUBJECT_TIMEOUT_SECONDS": "0.5"},
        )
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)

    assert (run.code, run.out, run.err.count("\n")) == (3, "", 1)
    assert "whether it was made is not known: subject nodes tells who is there" in run.err
    assert "try again" not in run.err


@pytest.mark.parametrize("command", [("limits", "set", "acme", "9/s", *WHY), ("limits", "unset", "acme")])
async def test_where_redis_goes_away_at_the_change_nobody_says_that_it_was_not_made(
    own_redis: RedisServer, own_client: Redis, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    await publish(own_client, [record()], TABLE)
    await edits.set_limit(own_client, edits.LimitChange("acme", parse_limits("5/s"), ACTOR))
    monkeypatch.setattr(leases.Lease, "check", lambda _: os.kill(own_redis.pid, signal.SIGSTOP))
    try:
        run = await subject(*command, redis_url=own_redis.url, settings={"SUBJECT_TIMEOUT_SECONDS": "0.2"})
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)

    assert (run.code, run.out, run.err.count("\n")) == (3, "", 1)
    assert "whether it was made is not known: subject limits tells what stands" in run.err


async def test_where_redis_goes_away_after_the_change_it_is_said_to_have_been_made(
    own_redis: RedisServer, own_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(own_client, [record()], TABLE)

    wait = effects.effects

    async def effects_of_a_stopped_one(*given: Any) -> Any:
        os.kill(own_redis.pid, signal.SIGSTOP)
        return await wait(*given)

    monkeypatch.setattr(effects, "effects", effects_of_a_stopped_one)
    try:
        run = await subject(
            *("limits", "set", "acme", "9/s", *WHY),
            redis_url=own_redis.url,
            settings={"SUBJECT_WAIT_SECONDS": "1", "SUBJECT_TIMEOUT_SECONDS": "0.2"},
        )
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)

    assert (run.code, run.err) == (0, "")
    assert "acme now has 9/s (was 50/s, client); nodes take it over within a second. Undo: " in run.out


async def test_where_redis_goes_away_before_the_audit_the_change_is_said_to_be_made(
    own_redis: RedisServer, own_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(own_client, [record()], TABLE)
    told = changes.tell

    async def to_a_stopped_one(*given: Any) -> None:
        os.kill(own_redis.pid, signal.SIGSTOP)
        await told(*given)

    monkeypatch.setattr(changes, "tell", to_a_stopped_one)
    try:
        run = await subject(
            "limits",
            "set",
            "acme",
            "9/s",
            *WHY,
            redis_url=own_redis.url,
            settings={"SUBJECT_TIMEOUT_SECONDS": "0.2"},
        )
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)

    assert (run.code, run.out, run.err.count("\n")) == (3, "", 1)
    assert "what was done is in force, and whether it is in the audit is not known" in run.err
    assert "try again" not in run.err


async def test_a_change_that_may_be_under_way_keeps_others_off(
    redis_client: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(redis_client, [record()], TABLE)
    monkeypatch.setattr(leases, "PATIENCE_SECONDS", 0.1)
    host, port = parse_redis_url(redis_url).addresses[0]
    async with (
        delay_proxy.running(host, port) as proxy,
        connect(redis_url.replace(f":{port}/", f":{proxy.port}/"), 0.3) as late,
    ):

        def hold(_: leases.Lease) -> None:
            """What comes now is under way for long, and what comes later is not."""
            proxy.delay_seconds = 3.0
            asyncio.get_running_loop().call_later(0.1, setattr, proxy, "delay_seconds", 0.0)

        with monkeypatch.context() as patch:
            patch.setattr(leases.Lease, "check", hold)
            with pytest.raises(HalfDoneError, match="whether it was made is not known"):
                await edits.set_limit(late, edits.LimitChange("acme", parse_limits("9/s"), ACTOR))
        with pytest.raises(ConflictError, match="somebody else is changing acme"):
            await edits.set_limit(redis_client, edits.LimitChange("acme", parse_limits("7/s"), ACTOR))


@pytest.mark.parametrize(
    ("command", "is_made"),
    [
        (("limits", "set", "acme", "9/s", *WHY), lambda live: "acme" in live.limits),
        (("limits", "unset", "k_0123456789abcdef"), lambda live: not live.limits),
        (("reset", "acme"), lambda live: "acme" in live.generations),
    ],
)
async def test_what_is_made_is_audited_though_it_is_interrupted(
    redis_client: Redis, redis_url: str, command: tuple[str, ...], is_made: Callable[[Overrides], bool]
) -> None:
    await publish(redis_client, [record()], TABLE)
    if "unset" in command:
        await edits.set_limit(redis_client, edits.LimitChange(command[2], parse_limits("5/s"), ACTOR))
    before = len(await audited(redis_client))
    address = parse_redis_url(redis_url).addresses[0]
    async with delay_proxy.running(*address) as proxy:
        proxy.delay_seconds = 0.1
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "subject", *command),
            env=environment(redis_url.replace(f":{address[1]}/", f":{proxy.port}/")),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        await eventually(lambda: live_changes(redis_client), is_made)
        process.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(process.communicate(), 30)

    assert (process.returncode, out) == (130, b"")
    assert err == b"subject: interrupted: subject audit tells whether anything was changed\n"
    assert len(await audited(redis_client)) == before + 1
