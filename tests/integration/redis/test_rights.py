"""docker/users.acl: what it grants is enough, and nothing of it is more than enough."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.client_id import DEFAULT_SECRET, unknown_client_id
from gateway.contract.records import STREAM_FIELD, TelemetryRecord, decode, encode
from loadtest import redis_server
from loadtest.redis_server import RedisServer
from tests.integration.gateway.node import eventually, running_node
from tests.integration.gateway.upstream import Upstream
from tests.integration.subject.publishing import subject
from tests.unit.subject.builders import START, entry, record

FILE = Path(__file__).parents[3] / "docker/users.acl"
PASSWORD = "pass"
DATABASE = 1
OF_EVERYBODY = {"auth"}
OF_ALL = {"info"}
"""What the operator sends too, so that it does not tell whether the others have."""
OF_THE_OPERATOR = {"acl|log", "acl|setuser", "config|resetstat", "exists", "hexists"}
KEY = "sk-a-key"
CLIENT = unknown_client_id(KEY, DEFAULT_SECRET)
PERIOD_SECONDS = 60
COMMANDS = (
    ("status",),
    ("limits", "set", CLIENT, "9/m", "--why", "test"),
    ("limits", "get"),
    ("reset", CLIENT),
    ("limits", "unset", CLIENT),
    ("audit",),
    ("nodes", "forget", "node-1"),
)
LOOKS = (
    ("nodes",),
    ("top",),
    ("why", CLIENT),
    ("diagnose",),
    ("diagnose", "--since", "5m"),
    ("watch", "--for", "1s"),
    ("limits", "set", CLIENT, "9/m", "--why", "test", "--dry-run"),
    ("nodes", "forget", "node-2", "--lost"),
)
"""They take the same rights as those above."""


SELECTOR = re.compile(r"\(([^)]*)\)")
"""What is granted for some keys only."""


def granted(user: str) -> list[str]:
    """The commands that the file grants a user for all its keys."""
    return commands_in(SELECTOR.sub("", line_of(user)))


def granted_for_some_keys(user: str) -> list[str]:
    """Those that it grants for some."""
    return [command for words in SELECTOR.findall(line_of(user)) for command in commands_in(words)]


def line_of(user: str) -> str:
    (line,) = [line for line in FILE.read_text().splitlines() if line.startswith(f"user {user} ")]
    return line


def commands_in(words: str) -> list[str]:
    return [word.removeprefix("+") for word in words.split() if word.startswith("+")]


@dataclass(frozen=True)
class Guarded:
    """A server with the file's users, and a client that may do everything."""

    server: RedisServer
    operator: Redis

    def url(self, user: str) -> str:
        """REDIS_URL of one of the users."""
        return f"redis://{user}:{PASSWORD}@127.0.0.1:{self.server.port}/{DATABASE}"

    async def asks(self, *words: str) -> Any:
        """What the operator is told."""
        return await self.operator.execute_command(*words)  # type: ignore[no-untyped-call] # redis-py's own

    async def denied(self) -> set[tuple[str, str]]:
        """Users, and what they were denied."""
        entries: Any = await self.operator.acl_log()
        return {(entry["username"], entry["object"]) for entry in entries}

    async def begin(self) -> None:
        """Forget what was denied and sent; there is a node that left long ago, and a counter of old."""
        gone = entry(record("gone", START, leaving=True))
        await self.operator.delete(keys.TELEMETRY, self.window)
        await self.operator.hset(keys.NODES, "gone", encode(gone))
        await self.operator.hset(self.window, "1", "1")
        await self.operator.acl_log_reset()
        await self.operator.config_resetstat()

    async def last_record(self) -> TelemetryRecord:
        """The one that was published last."""
        entries: Any = await self.operator.xrevrange(keys.TELEMETRY, count=1)
        ((_, fields),) = entries
        return decode(TelemetryRecord, fields[STREAM_FIELD])

    @property
    def window(self) -> str:
        """The hash in which the client is counted."""
        return keys.window(CLIENT, keys.CLIENT_SCOPE, PERIOD_SECONDS, 0)

    async def sent(self) -> set[str]:
        """The commands that the server was sent by others than the operator."""
        stats: dict[str, Any] = await self.operator.info("commandstats")
        return {name.removeprefix("cmdstat_") for name in stats} - OF_EVERYBODY - OF_THE_OPERATOR - OF_ALL


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Guarded]:
    """A server with the users of the file, who have a password here, and an operator."""
    lines = [
        line if line == "user default off" else f"{line} >{PASSWORD}"
        for line in FILE.read_text().splitlines()
    ]
    users = tmp_path / "users.acl"
    users.write_text("\n".join([*lines, f"user operator on >{PASSWORD} ~* &* +@all", ""]))
    with redis_server.running("--aclfile", str(users)) as server:
        url = f"redis://operator:{PASSWORD}@127.0.0.1:{server.port}/{DATABASE}"
        async with Redis.from_url(url, decode_responses=True) as operator:
            yield Guarded(server, operator)


async def gateway_works(
    guarded: Guarded,
    upstream: Upstream,
    look: Callable[[], Awaitable[Any]],
    holds: Callable[[Any], bool] = bool,
) -> None:
    """A node admits, refuses, cleans up and publishes until what is seen `holds`, and leaves in order."""
    async with running_node(
        redis_url=guarded.url("gateway"),
        upstream_url=upstream.url,
        default_limit=f"3/{PERIOD_SECONDS}s",
        store_deadline=0.5,
    ) as node:
        async with await node.connect() as client:
            for _ in range(5):
                await client.get(b"/", b"X-API-Key: " + KEY.encode(), key=None)
        await eventually(look, holds)


async def subject_works(guarded: Guarded) -> list[int]:
    """The exit codes of all kinds of commands."""
    return [(await subject(*command, redis_url=guarded.url("subject"))).code for command in COMMANDS]


@pytest.mark.usefixtures("server_program")
async def test_the_users_of_the_file_can_do_all_they_have_to_and_do_all_they_can(
    guarded: Guarded, upstream: Upstream, tmp_path: Path
) -> None:
    async def unused() -> set[str]:
        return set(granted("gateway")) - await guarded.sent() - OF_ALL

    await guarded.begin()
    await gateway_works(guarded, upstream, unused, lambda left: not left)
    assert await guarded.denied() == set()
    assert sorted(await guarded.sent() | OF_ALL) == sorted(granted("gateway"))
    assert (await guarded.last_record()).store.evicted == 0

    await guarded.operator.config_resetstat()
    for look in (*LOOKS, ("record", str(tmp_path / "recording.jsonl.gz"))):
        done = await subject(*look, redis_url=guarded.url("subject"))
        assert done.code in (0, 1), done
        assert await guarded.denied() == set(), look
    codes = await subject_works(guarded)
    assert await guarded.denied() == set()
    assert Counter(codes)[0] >= len(COMMANDS) - 1  # status tells findings of a node that has just left
    assert await guarded.sent() | OF_ALL == {*granted("subject"), *granted_for_some_keys("subject")}


@pytest.mark.parametrize("user", ["gateway", "subject"])
async def test_each_of_the_granted_commands_is_needed(
    guarded: Guarded, upstream: Upstream, user: str
) -> None:
    await guarded.begin()
    await gateway_works(guarded, upstream, lambda: guarded.operator.exists(keys.TELEMETRY))
    for command in granted(user):
        await guarded.begin()
        await guarded.asks("ACL", "SETUSER", user, f"-{command}")

        async def is_missed(command: str = command) -> bool:
            # Of one that is granted for some other keys, the key is what is denied.
            return not {(user, command), (user, keys.OVERRIDES)}.isdisjoint(await guarded.denied())

        if user == "gateway":
            await gateway_works(guarded, upstream, is_missed)
        else:
            await subject_works(guarded)
            assert await is_missed()
        await guarded.asks("ACL", "SETUSER", user, f"+{command}")


async def test_what_is_granted_for_some_keys_is_needed(guarded: Guarded, upstream: Upstream) -> None:
    await guarded.begin()
    await gateway_works(guarded, upstream, lambda: guarded.operator.exists(keys.TELEMETRY))
    await guarded.asks("ACL", "SETUSER", "subject", "clearselectors")
    await subject_works(guarded)

    denied = {name for user, name in await guarded.denied() if user == "subject"}
    assert {"set", keys.NODES} <= denied


@pytest.mark.parametrize(
    ("user", "command"),
    [
        ("gateway", ("HSET", keys.OVERRIDES, "limit:acme", "{}")),
        ("gateway", ("HGETALL", keys.AUDIT)),
        ("gateway", ("SET", "elsewhere", "1")),
        ("subject", ("HINCRBY", keys.window("acme", keys.CLIENT_SCOPE, 60, 0), "1", "-1")),
        ("subject", ("HSET", keys.NODES, "node-1", "{}")),
        ("subject", ("DEL", keys.NODES)),
        ("subject", ("SET", keys.OVERRIDES, "x")),
        ("subject", ("HGETALL", "elsewhere")),
    ],
)
async def test_nobody_may_do_the_others_work(guarded: Guarded, user: str, command: tuple[str, ...]) -> None:
    assert "no permissions to access" in await guarded.asks("ACL", "DRYRUN", user, *command)
