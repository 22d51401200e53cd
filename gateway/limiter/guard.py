"""Whether Redis is asked. What it does wrong opens the breaker and is told, once until it is over."""

import logging
from collections.abc import Callable

from gateway.contract.redis_errors import explained
from gateway.limiter.breaker import Breaker
from gateway.limiter.connection import is_key_error, is_server_error
from gateway.outage import Outage
from gateway.telemetry.counters import Counters

_REFUSED_SECONDS = 10.0

logger = logging.getLogger(__name__)


class Guard:
    """The breaker, with words."""

    def __init__(self, counters: Counters, now: Callable[[], float]) -> None:
        self._counters = counters
        self._now = now
        self._breaker = Breaker()
        self._outage = Outage(logger, "Redis, for counting")
        self._on_open: Callable[[], None] = lambda: None
        self._refused_at: float | None = None
        self.losses = 0
        """Of the connection, since Redis last counted or answered for a while."""

    @property
    def is_closed(self) -> bool:
        """Whether Redis may be asked."""
        return self._breaker.is_closed

    @property
    def trouble(self) -> str:
        """What is wrong with Redis, in words; empty where nothing is."""
        return self._outage.reason

    def on_open(self, call: Callable[[], None]) -> None:
        """Have this called whenever the breaker opens."""
        self._on_open = call

    def late(self) -> None:
        """Redis owes an answer for longer than a decision may wait."""
        self._open()

    def refused(self, reply: str, reason: Exception) -> bool:
        """Redis answered a counting command with an error; whether the connection is of no use any more."""
        if is_key_error(reply):
            if self._counters.store_damaged == 0:
                logger.warning("a counter in Redis is damaged; its client is limited without it: %s", reply)
            self._counters.store_damaged += 1
            return False
        self._refused_at = self._now()
        self._outage.failed(explained(str(reason)))
        if is_server_error(reply):
            return True
        self._open()
        return False

    def lost(self, reason: Exception) -> None:
        """The connection is gone, or there is none to be had."""
        self._outage.failed(explained(str(reason)))
        self.losses += 1

    def _open(self) -> None:
        opens = self._breaker.is_closed
        self._breaker.failed(self._now())
        if opens:
            self._on_open()

    def probed(self, *, in_time: bool) -> None:
        """Redis answered while the breaker was open."""
        if in_time:
            self._breaker.succeeded()
        else:
            self._breaker.failed(self._now())

    def proved(self, *, by_count: bool = True) -> None:
        """Redis counts, or has answered for a while; where it had refused to count that proves little."""
        since = self._refused_at
        if not by_count and since is not None and self._now() < since + _REFUSED_SECONDS:
            return
        self._refused_at = None
        self._outage.worked()
        self.losses = 0

    def saw_fields_ahead(self, count: int) -> None:
        """Counters of the future were in a hash that Redis gave."""
        if count and self._counters.store_fields_ahead == 0:
            logger.warning("counters of the future are in Redis, and ignored: was its clock put back?")
        self._counters.store_fields_ahead += count
