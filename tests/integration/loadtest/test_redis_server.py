"""A Redis server of one's own."""

import asyncio
import os
import tempfile
from pathlib import Path

import pytest
import redis

from loadtest import redis_server
from loadtest.child import StartError
from loadtest.polling import until
from loadtest.ports import free_port
from tests.integration.loadtest.processes import silent_program, started_by


def test_it_answers_while_the_context_lasts_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with redis_server.running() as server:
        client = redis.Redis.from_url(server.url)
        assert client.ping()
        client.close()
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)


def test_two_run_side_by_side() -> None:
    with redis_server.running() as one, redis_server.running() as other:
        assert one.port != other.port


def test_a_named_server_that_is_no_program_is_said_to_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_SERVER", "/nowhere/redis-server")
    with pytest.raises(StartError, match="REDIS_SERVER=/nowhere/redis-server"):
        redis_server.find_binary()


def test_a_server_that_does_not_start_is_reported_with_what_it_said() -> None:
    with (
        pytest.raises(StartError, match="does not start: argument must be a memory value"),
        redis_server.running("--maxmemory", "much"),
    ):
        pass


def test_somebody_elses_server_on_its_port_is_not_taken_for_it() -> None:
    with (
        redis_server.running() as other,
        pytest.raises(StartError, match="does not start"),
        redis_server.running(port=other.port),
    ):
        pass


def test_a_port_that_was_taken_meanwhile_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    with redis_server.running() as other:
        ports = iter([other.port, free_port()])
        monkeypatch.setattr(redis_server, "free_port", lambda: next(ports))
        with redis_server.running() as server:
            assert server.port != other.port


async def test_the_loop_goes_on_while_one_starts_and_a_cancelled_start_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_SERVER", str(silent_program(tmp_path)))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    async def start() -> None:
        async with redis_server.running_beside():
            pass

    task = asyncio.create_task(start())
    before = started_by(os.getpid())
    assert await until(lambda: bool(started_by(os.getpid()) - before), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    assert not started_by(os.getpid()) - before
    assert [path.name for path in tmp_path.iterdir()] == ["silent"]


async def test_one_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_SERVER", str(silent_program(tmp_path)))
    monkeypatch.setattr(redis_server, "START_SECONDS", 0.2)
    with pytest.raises(StartError, match=r"did not answer within 0\.2 s"):
        async with redis_server.running_beside():
            pass
