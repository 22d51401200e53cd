"""What one Redis bears of the product's own pipelines: it is kept busy by connections that never pause.

A node spends more on a decision than Redis does, so nodes on this machine could not keep it busy. The
pipelines are what `gateway.limiter.batch` made of asks, and are sent again and again.
"""

import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import hiredis
from redis import Redis
from redis.exceptions import ResponseError

from gateway.clock import monotonic
from gateway.contract import keys
from gateway.contract.limits import Limit
from gateway.contract.window import MICROSECONDS
from gateway.limiter.batch import Batch, PendingCheck, Refunds
from gateway.limiter.decision import Hit
from gateway.limiter.window_cache import WindowCache
from loadtest import redis_server
from tests.raw_redis import RawRedis
from tests.simulation.crowd import name
from tests.simulation.usage import told

CONNECTIONS = 100
"""As of so many nodes, each with a pipeline under way."""
CLIENTS = 12_800
LIMIT = Limit(1_000_000, 60)
AT_ONCE = (1, 4, 16, 64)
ROUNDS = 6
ROUND_SECONDS = 0.5


@dataclass(frozen=True)
class Load:
    """`at_once` decisions share a pipeline; the node knows the clients' windows, or reads them whole."""

    at_once: int
    known: bool = True


@dataclass(frozen=True)
class Borne:
    """What Redis did, and what it took of its processor, in seconds."""

    load: Load
    cpu_seconds: float
    decisions: int
    commands: int
    bytes_in: int
    bytes_out: int

    @property
    def decision_us(self) -> float:
        """Redis' processor time for one."""
        return 1e6 * self.cpu_seconds / self.decisions

    @property
    def decisions_a_second(self) -> float:
        """With the whole of one processor."""
        return self.decisions / self.cpu_seconds

    @property
    def commands_a_second(self) -> float:
        """With the whole of one processor."""
        return self.commands / self.cpu_seconds


class Connection:
    """One pipeline after the other."""

    def __init__(self, port: int, pipelines: Sequence[tuple[bytes, int]]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = hiredis.Reader(replyError=ResponseError)
        self._pipelines = pipelines
        self._next = 0
        self._owed = 0
        self.done = 0
        """Pipelines that were answered."""

    def send(self) -> None:
        """The next one."""
        data, self._owed = self._pipelines[self._next]
        self._next = (self._next + 1) % len(self._pipelines)
        self.socket.sendall(data)

    def receive(self) -> None:
        """Wait until it is answered."""
        while self._owed:
            self._reader.feed(self.socket.recv(262_144))
            while (reply := self._reader.gets()) is not False:
                if isinstance(reply, ResponseError):
                    raise reply
                self._owed -= 1
        self.done += 1


def pipelines(port: int, load: Load) -> Iterator[tuple[bytes, int]]:
    """Those of one node for all clients, with the number of replies to each."""
    hits = [
        Hit(keys.window(name(rank), keys.CLIENT_SCOPE, LIMIT.period_seconds, 0), LIMIT)
        for rank in range(CLIENTS)
    ]
    cache, corrections = WindowCache(), Refunds(lambda: None)
    with RawRedis(port) as redis:
        for first in range(0, CLIENTS, load.at_once):
            batch = _batch(hits[first : first + load.at_once], cache)
            if load.known:
                replies = redis.call(batch.data, batch.replies)
                batch.settle(replies, batch.executed(replies), 0.0, cache, corrections)
                batch = _batch(hits[first : first + load.at_once], cache)
            yield batch.data, batch.replies


def _batch(hits: Sequence[Hit], cache: WindowCache) -> Batch:
    now = monotonic()
    return Batch(
        [PendingCheck([one], now, None) for one in hits], int(time.time() * MICROSECONDS), now, cache
    )


def measure(load: Load, rounds: int = ROUNDS, seconds: float = ROUND_SECONDS) -> Borne:
    """Keep a Redis of its own busy, and take the round in which others disturbed it least."""
    with redis_server.running() as server, Redis.from_url(server.url) as redis:
        made = list(pipelines(server.port, load))
        step = max(1, len(made) // CONNECTIONS)
        ends = [
            Connection(server.port, made[place * step :] + made[: place * step])
            for place in range(CONNECTIONS)
        ]
        borne = [_round(load, ends, redis, seconds) for _ in range(rounds)]
        for end in ends:
            end.socket.close()
    return min(borne, key=lambda one: one.decision_us)


def _round(load: Load, ends: Sequence[Connection], redis: Redis, seconds: float) -> Borne:
    before, answered = told(redis.info()), sum(end.done for end in ends)
    _keep_busy(ends, monotonic() + seconds)
    spent = told(redis.info()) - before
    done = sum(end.done for end in ends) - answered
    return Borne(
        load, spent.cpu_seconds, done * load.at_once, spent.commands, spent.bytes_in, spent.bytes_out
    )


def _keep_busy(ends: Sequence[Connection], until: float) -> None:
    """Each in turn: while one is read, the others' pipelines are under way."""
    for end in ends:
        end.send()
    while monotonic() < until:
        for end in ends:
            end.receive()
            end.send()
    for end in ends:
        end.receive()
