"""How long a way to Redis is: half of a round trip that asks for nothing but the time."""

import socket
import time
from collections.abc import Sequence

from gateway.clock import monotonic
from gateway.limiter.frame import TIME
from loadtest import redis_server
from tests.simulation.network import QUANTILES

TRIPS = 300
ROUNDS = 20
PAUSE_SECONDS = 0.001
"""As of a node that has other things to do in between, so that both processes have to wake up."""


def measure(rounds: int = ROUNDS, trips: int = TRIPS) -> Sequence[float]:
    """Microseconds of one way at `QUANTILES`, in the calmest of these rounds."""
    with (
        redis_server.running() as server,
        socket.create_connection(("127.0.0.1", server.port)) as connected,
    ):
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        took = min((sorted(_trip(connected) for _ in range(trips)) for _ in range(rounds)), key=sum)
    return [1e6 / 2 * took[min(int(quantile * trips), trips - 1)] for quantile in QUANTILES]


def _trip(connected: socket.socket) -> float:
    time.sleep(PAUSE_SECONDS)
    began = monotonic()
    connected.sendall(TIME)
    connected.recv(1000)
    return monotonic() - began
