"""The simulated event loop is asyncio's in what the limiter relies on, and its clock is the simulation's."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.model.loop import EndlessTurningError, Stall, node_loop
from tests.model.network import Network
from tests.model.redis import RedisServer
from tests.model.world import World

MS = 1_000
SECOND = 1_000 * MS


class Stage:
    """A world with a Redis and one node."""

    def __init__(self, stalls: list[Stall] | None = None, *, timers_first: bool = False) -> None:
        self.world = World(1)
        self.server = RedisServer(self.world, 1_700_000_000 * SECOND, 0, [])
        self.network = self.server.network = Network(self.world, self.server)
        self.loop = node_loop(self.world, self.network, 77 * SECOND, stalls or [], timers_first=timers_first)
        self.network.nodes[self.loop] = 0

    def play(self, scene: Callable[[], Coroutine[Any, Any, object]], seconds: float = 10) -> None:
        """Let a node do something, and all that follows happen."""
        self.loop.run(scene)
        self.world.run(int(seconds * SECOND))


def test_sleeping_takes_the_simulations_time() -> None:
    stage, woken = Stage(), []

    async def sleeper(seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append((seconds, round(stage.loop.time() - 77, 3)))

    async def scene() -> None:
        await asyncio.gather(sleeper(3), sleeper(1), sleeper(2))

    stage.play(scene)

    assert woken == [(1, 1.0), (2, 2.0), (3, 3.0)]


def test_what_runs_soon_runs_in_its_order_and_in_the_next_turn() -> None:
    stage = Stage()
    ran: list[str] = []

    async def scene() -> None:
        for name in "abc":
            stage.loop.call_soon(ran.append, name)
        ran.append("now")

    stage.play(scene)

    assert ran == ["now", "a", "b", "c"]


def test_a_timeout_ends_what_waits_for_ever() -> None:
    stage, ended = Stage(), []

    async def scene() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await stage.loop.create_future()
        ended.append(round(stage.loop.time() - 77, 3))

    stage.play(scene)

    assert ended == [0.5]


def test_what_waits_for_ever_is_seen() -> None:
    stage = Stage()

    async def scene() -> None:
        await stage.loop.create_future()

    stage.play(scene)

    assert len(stage.loop.tasks) == 1
    stage.loop.kill()
    assert not stage.loop.tasks


def test_an_error_that_nobody_handles_is_a_failure_of_the_run() -> None:
    stage = Stage()

    async def scene() -> None:
        stage.loop.call_soon(lambda: 1 / 0)

    stage.play(scene)

    assert len(stage.world.failures) == 1


def test_turning_without_end_is_noticed() -> None:
    stage = Stage()

    def again() -> None:
        stage.loop.call_soon(again)

    async def scene() -> None:
        again()

    with pytest.raises(EndlessTurningError):
        stage.play(scene)


def test_a_stall_strikes_between_two_readings_of_the_clock() -> None:
    stage = Stage([Stall(at=0, ticks=40 * MS, reads=2)])
    readings: list[float] = []

    async def scene() -> None:
        readings.extend(stage.loop.now() for _ in range(3))

    stage.play(scene)

    assert [round(reading - 77, 3) for reading in readings] == [0.0, 0.0, 0.04]


@pytest.mark.parametrize("timers_first", [False, True])
def test_after_a_stall_what_arrived_and_what_is_due_run_in_either_order(*, timers_first: bool) -> None:
    stage = Stage([Stall(at=10 * MS, ticks=90 * MS)], timers_first=timers_first)
    ran: list[str] = []

    async def scene() -> None:
        stage.loop.call_later(0.05, ran.append, "timer")

    stage.world.at(60 * MS, stage.loop.arrive, None, ran.append, "reply")
    stage.world.at(20 * MS, stage.loop.arrive, None, ran.append, "first")
    stage.play(scene)

    assert ran == (["timer", "first", "reply"] if timers_first else ["first", "reply", "timer"])


class Client(asyncio.Protocol):
    """Keeps what it receives."""

    def __init__(self) -> None:
        self.received = b""
        self.lost: list[Exception | None] = []

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.append(exc)


def test_a_connection_carries_commands_and_replies_in_order() -> None:
    stage, client = Stage(), Client()

    async def scene() -> None:
        transport, _ = await stage.loop.create_connection(lambda: client, "redis", 6379)
        for field in range(50):
            transport.write(b"*4\r\n$7\r\nHINCRBY\r\n$1\r\nk\r\n$1\r\nf\r\n$1\r\n1\r\n")
            await asyncio.sleep(0.0001 * (field % 3))

    stage.play(scene)

    assert client.received == b"".join(b":%d\r\n" % count for count in range(1, 51))


def test_a_server_that_ends_resets_its_connections_and_refuses_new_ones() -> None:
    stage, client, refused = Stage(), Client(), []

    async def scene() -> None:
        await stage.loop.create_connection(lambda: client, "redis", 6379)
        await asyncio.sleep(1)
        stage.server.stop(2 * SECOND, keeps_data=True, tells=True)
        await asyncio.sleep(1)
        try:
            await stage.loop.create_connection(Client, "redis", 6379)
        except ConnectionRefusedError as error:
            refused.append(error)
        await asyncio.sleep(2)
        await stage.loop.create_connection(Client, "redis", 6379)

    stage.play(scene)

    assert [type(error) for error in client.lost] == [ConnectionResetError]
    assert len(refused) == 1
    assert not stage.world.failures
    assert not stage.loop.tasks


def test_over_a_dead_connection_nothing_comes_back_and_nobody_is_told() -> None:
    stage, client = Stage(), Client()

    async def scene() -> None:
        transport, _ = await stage.loop.create_connection(lambda: client, "redis", 6379)
        stage.network.links[0].down.is_dead = True
        transport.write(b"*1\r\n$4\r\nPING\r\n")

    stage.play(scene)

    assert (client.received, client.lost) == (b"", [])
    assert [entry.command for entry in stage.server.log] == [(b"PING",)]
