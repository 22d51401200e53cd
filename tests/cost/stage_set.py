"""One node's parts for a plain request, with nobody at the other ends: what is written goes nowhere."""

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from math import inf
from typing import Any, cast

from gateway import proxy_parts
from gateway.admission import Admission
from gateway.clock import RedisClock
from gateway.config.policy_files import read_policies
from gateway.config.settings import Settings
from gateway.http.request_id import RequestIds
from gateway.limiter.decision import Hit, WindowStatus
from gateway.limiter.limiter import LimiterResult
from gateway.overrides import LiveOverrides
from gateway.policy.concurrency import InFlight
from gateway.proxy.access_log import AccessLog
from gateway.proxy.client_connection import ClientConnection
from gateway.proxy.server import ProxyState
from gateway.proxy.slots import ConnectionSlot, SlotPool
from gateway.proxy.upstream_connection import UpstreamConnection
from gateway.telemetry.counters import Counters

ANSWER = (
    b"HTTP/1.1 200 OK\r\nDate: Wed, 25 Nov 2026 01:17:31 GMT\r\nServer: example/1.0\r\n"
    b'Content-Type: application/json\r\nContent-Length: 26\r\nETag: "abc-%04d"\r\n'
    b'Vary: Accept-Encoding\r\n\r\n{"id": 1, "name": "hello"}'
)
REQUEST = (
    b"GET /items/%d?cached=full HTTP/1.1\r\nHost: api.example.org\r\n"
    b"User-Agent: example-client/3.4 (linux; x86_64)\r\nAccept: application/json\r\n"
    b"Accept-Encoding: gzip, deflate, br\r\nX-API-Key: key-%07d\r\n\r\n"
)


class Nowhere(asyncio.Transport):
    """Takes bytes, and counts how often."""

    def __init__(self, own: socket.socket) -> None:
        super().__init__({"socket": own})
        self.writes = 0

    def write(self, data: Any) -> None:
        """Once more."""
        del data
        self.writes += 1

    def writelines(self, list_of_data: Any) -> None:
        """Once more."""
        del list_of_data
        self.writes += 1

    def is_closing(self) -> bool:
        """Never."""
        return False

    def get_write_buffer_size(self) -> int:
        """Nothing waits."""
        return 0

    def pause_reading(self) -> None:
        """Nothing is read."""

    def resume_reading(self) -> None:
        """Nothing is read."""


class ToldLimiter:
    """Admits each request at once, or refuses it as from memory; Redis is not asked."""

    def __init__(self, *, admits: bool) -> None:
        self._statuses = (WindowStatus(admits, 99 if admits else 0, 30.0),)
        self._admits = admits

    def recall(self, hits: Sequence[Hit]) -> tuple[WindowStatus, ...] | None:
        """What it remembers."""
        del hits
        return None if self._admits else self._statuses

    def check(
        self, hits: Sequence[Hit], on_result: Callable[[LimiterResult], None]
    ) -> tuple[WindowStatus, ...]:
        """What it is told to say."""
        del hits, on_result
        return self._statuses


class StageSet:
    """A client's connection, and one to the upstream, which answers when it is told to."""

    def __init__(self, *, admits: bool) -> None:
        given: dict[str, Any] = {"upstream_url": "http://127.0.0.1:9"}
        self.settings = Settings(**given)
        policies, counters = read_policies(self.settings), Counters()
        upstreams = proxy_parts.upstreams(self.settings, policies)
        admission = Admission(LiveOverrides(RedisClock()), ToldLimiter(admits=admits), InFlight())
        options = proxy_parts.proxy_options(self.settings)
        ids = RequestIds(os.urandom)
        self.proxy = ProxyState(
            policies, admission, upstreams, counters, options, AccessLog(0), lambda: False, ids
        )
        self._ends = socket.socketpair()
        self.to_client, self.to_upstream = (Nowhere(end) for end in self._ends)
        self.upstream = UpstreamConnection()
        self.upstream.connection_made(self.to_upstream)
        self.upstream.idle_until = inf
        (address,) = upstreams.addresses
        address._idle.append(self.upstream)
        downstream = proxy_parts.downstream(self.settings, self.proxy, asyncio.Event())
        place = SlotPool(counters, max_connections=1).acquire("127.0.0.1")
        assert isinstance(place, ConnectionSlot)
        self.client = cast(ClientConnection, downstream(place))
        self.client.connection_made(self.to_client)

    def serve(self, number: int) -> None:
        """Have the n-th request served, from its bytes to those of its answer."""
        self.client.data_received(REQUEST % (number, number))
        self.upstream.data_received(ANSWER % (number % 1000))

    def refuse(self, number: int) -> None:
        """Have the n-th request refused."""
        self.client.data_received(REQUEST % (number, number))

    def close(self) -> None:
        """Let go of the sockets."""
        for end in self._ends:
            end.close()
