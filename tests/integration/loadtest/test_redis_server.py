"""A Redis server of one's own."""

import os
import tempfile
from pathlib import Path

import pytest
import redis

from loadtest import redis_server
from loadtest.redis_server import RedisServerError


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
    with pytest.raises(RedisServerError, match="REDIS_SERVER=/nowhere/redis-server"):
        redis_server.find_binary()


def test_a_server_that_does_not_start_is_reported_with_what_it_said() -> None:
    with (
        pytest.raises(RedisServerError, match="does not start"),
        redis_server.running("--no-such-option", "1"),
    ):
        pass
