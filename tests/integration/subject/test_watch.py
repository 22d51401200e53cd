import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from redis.asyncio import Redis

from loadtest.redis_server import RedisServer
from tests.integration.gateway.node import eventually
from tests.integration.subject.publishing import (
    SKEWED,
    environment,
    nowhere,
    publish_cluster,
    subject_process,
)
from tests.integration.subject.terminal import ALTERNATE, BACK, Terminal, terminal_with
from tests.unit.subject.builders import always, even


def shows(terminal: Terminal, *texts: str) -> bool:
    screen = "\n".join(terminal.screen)
    return all(text in screen for text in texts)


async def test_the_screen_has_problems_at_the_top_and_a_line_for_each_node(
    redis_client: Redis, redis_url: str
) -> None:
    await publish_cluster(redis_client, SKEWED, 60)

    async with terminal_with("subject", "watch", environment=environment(redis_url)) as terminal:
        await terminal.until(lambda: shows(terminal, "node_skew", "node-1", "node-3", "q quits"))
        screen = terminal.screen
        terminal.type("q")
        code = await terminal.ended()

    assert code == 0
    assert "3 Up" in screen[0]
    assert screen[2].startswith("node_skew  node-2 serves 80 %")
    rows = [line.split()[0] for line in screen if line.startswith("node-") and " Up " in line]
    assert rows == ["node-1", "node-2", "node-3"]
    assert "█" in "".join(screen)


@pytest.mark.parametrize("how", ["q", "Q", "\x03", "\x04", "TERM"])
async def test_it_quits_cleanly(redis_client: Redis, redis_url: str, how: str) -> None:
    await publish_cluster(redis_client, even(always(60)), 30)

    async with terminal_with("subject", "watch", environment=environment(redis_url)) as terminal:
        await terminal.until(lambda: shows(terminal, "node-3"))
        assert terminal.current_modes() != terminal.modes
        if how == "TERM":
            assert terminal.process is not None
            terminal.process.terminate()
        else:
            terminal.type(how)
        code = await terminal.ended()
        await terminal.until(lambda: BACK in terminal.text)

        assert terminal.current_modes() == terminal.modes
        assert code == 0
        assert terminal.text.count(ALTERNATE) == terminal.text.count(BACK) == 1
        assert terminal.text.endswith(("\x1b[?25h", BACK)), "the cursor is shown again"
        assert "Traceback" not in terminal.text


async def test_it_follows_the_size_of_its_window(redis_client: Redis, redis_url: str) -> None:
    await publish_cluster(redis_client, even(always(60)), 30)
    every = ("subject", "watch", "--every", "10m")
    as_it_began = {**environment(redis_url), "COLUMNS": "80", "LINES": "24"}

    async with terminal_with(*every, environment=as_it_began) as terminal:
        await terminal.until(lambda: shows(terminal, "node-3", "CPU"))
        terminal.resize(50, 12)
        await terminal.until(lambda: shows(terminal, "node-3") and not shows(terminal, "CPU"))
        small = terminal.screen
        terminal.resize(120, 40)
        await terminal.until(lambda: shows(terminal, "node-3", "CPU", "last 60 s"))

    assert max(map(len, small)) <= 50
    assert len(small) <= 12


async def unread(port: int) -> int:
    """Bytes that somebody has sent to a server of this machine, and that it has not read."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(
        int(queues.partition(":")[2], 16)
        for _, local, _, _, queues, *_ in lines
        if local.endswith(f":{port:04X}")
    )


async def test_it_quits_at_once_while_redis_keeps_it_waiting(
    own_redis: RedisServer, own_client: Redis
) -> None:
    await publish_cluster(own_client, even(always(60)), 30)
    slow = {**environment(own_redis.url), "SUBJECT_TIMEOUT_SECONDS": "60"}

    async with terminal_with("subject", "watch", "--every", "1s", environment=slow) as terminal:
        await terminal.until(lambda: shows(terminal, "node-3"))
        os.kill(own_redis.pid, signal.SIGSTOP)
        try:
            await eventually(lambda: unread(own_redis.port), bool)  # what it waits for an answer to
            terminal.type("q")
            async with asyncio.timeout(10):
                assert await terminal.ended() == 0
        finally:
            os.kill(own_redis.pid, signal.SIGCONT)


async def test_without_colour_it_is_a_screen_all_the_same(redis_client: Redis, redis_url: str) -> None:
    await publish_cluster(redis_client, SKEWED, 60)
    plain = {**environment(redis_url), "NO_COLOR": "1"}

    async with terminal_with("subject", "watch", environment=plain) as terminal:
        await terminal.until(lambda: shows(terminal, "node_skew", "node-3"))

        assert ALTERNATE in terminal.text
        assert "\x1b[1;" not in terminal.text
        assert "\x1b[3" not in terminal.text


async def test_without_a_terminal_it_is_plain_lines(redis_client: Redis, redis_url: str) -> None:
    await publish_cluster(redis_client, SKEWED, 60)

    run = await subject_process("watch", "--every", "1s", "--for", "5s", redis_url=redis_url)

    assert (run.code, run.err) == (0, "")
    assert "\x1b" not in run.out
    began, *looks = run.out.splitlines()
    assert "warning: node_skew: node-2 serves 80 % of the requests" in began
    assert len(looks) >= 2
    assert all("3 Up" in look and look.endswith("node_skew") for look in looks)


async def test_json_is_a_document_a_line(redis_client: Redis, redis_url: str) -> None:
    await publish_cluster(redis_client, SKEWED, 60)

    run = await subject_process("watch", "--json", "--every", "1s", "--for", "5s", redis_url=redis_url)

    documents = [json.loads(line) for line in run.out.splitlines()]
    assert len(documents) >= 2
    assert documents[0]["at"] < documents[1]["at"]
    assert [found["code"] for found in documents[0]["findings"]] == ["node_skew"]
    assert [node["id"] for node in documents[0]["nodes"]] == ["node-1", "node-2", "node-3"]
    assert documents[0]["nodes"][1]["rate"] == pytest.approx(96, rel=0.05)
    assert documents[0]["rejection_ratio"] == 0


async def test_a_reader_that_has_seen_enough_ends_it(redis_client: Redis, redis_url: str) -> None:
    await publish_cluster(redis_client, even(always(60)), 30)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "subject", "watch", "--every", "1s"),
        env=environment(redis_url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    await process.stdout.readline()
    process.stdout._transport.close()  # type: ignore[attr-defined]  # a pipe's reader cannot be closed otherwise

    assert await asyncio.wait_for(process.wait(), 30) == 0
    assert await process.stderr.read() == b""


async def test_it_goes_on_while_redis_is_away_and_does_not_say_that_anything_is_over() -> None:
    run = await subject_process("watch", "--every", "1s", "--for", "5s", redis_url=nowhere())

    assert run.code == 0
    began, *looks = run.out.splitlines()
    assert "critical: observer_blind" in began
    assert all(look.endswith("observer_blind") for look in looks)
    assert "over:" not in run.out


@pytest.mark.parametrize("wrong", [("--every", "0s"), ("--every", "often"), ("--for", "-1")])
async def test_a_wrong_time_is_wrong_use(wrong: tuple[str, str]) -> None:
    run = await subject_process("watch", f"{wrong[0]}={wrong[1]}", redis_url=nowhere())

    assert run.code == 2
    assert "duration" in run.err
