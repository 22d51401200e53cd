"""A connection for counting, with the batches that are under way on it, in their order."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from redis.exceptions import ResponseError

from gateway.errors import StoreUnavailable
from gateway.limiter.batch import Batch
from gateway.limiter.frame import pack
from gateway.limiter.wire import Reply, Wire
from gateway.redis_endpoint import Endpoint


class Line:
    """Sends batches, and calls `on_settled` with each and all of its replies, in order.

    `lost` ends with the reason when the connection is gone.
    """

    def __init__(self, on_settled: Callable[[Batch, list[Reply]], None]) -> None:
        self._on_settled = on_settled
        self._wire = Wire(self._receive, self._lose)
        self._replies: list[Reply] = []
        self._greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._greetings = 0
        self.lost: asyncio.Future[StoreUnavailable] = asyncio.get_running_loop().create_future()
        self.under_way: deque[Batch] = deque()

    async def open(self, endpoint: Endpoint) -> None:
        """Connect and get in.

        Raises:
            StoreUnavailable: nobody there, or not let in.
        """
        await endpoint.connect(lambda: self._wire)
        greeting = endpoint.greeting
        self._greetings = len(greeting)
        if greeting:
            self._wire.send(b"".join(map(pack, greeting)))
            waited_for: set[asyncio.Future[Any]] = {self._greeted, self.lost}
            await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
        if self.lost.done():
            raise self.lost.result()

    def send(self, batch: Batch) -> None:
        """Send a batch."""
        self.under_way.append(batch)
        self._wire.send(batch.data)

    def fail(self, reason: StoreUnavailable) -> None:
        """Give the connection up."""
        self._wire.close()
        self._lose(reason)

    def _receive(self, replies: list[Reply]) -> None:
        self._replies += replies
        if self._greetings:
            self._check_greeting()
        else:
            self._settle()
        if self._replies and not self._greetings and not self.under_way:
            # As where it has no connection left, and says so instead of a welcome.
            self.fail(_not_let_in(self._replies.pop(0)))

    def _check_greeting(self) -> None:
        while self._greetings and self._replies:
            self._greetings -= 1
            reply = self._replies.pop(0)
            if isinstance(reply, ResponseError):
                self.fail(_not_let_in(reply))
            elif not self._greetings:
                self._greeted.set_result(None)

    def _settle(self) -> None:
        while self.under_way and len(self._replies) >= self.under_way[0].replies and not self.lost.done():
            batch = self.under_way.popleft()
            replies, self._replies = self._replies, self._replies[batch.replies :]
            del replies[batch.replies :]
            try:
                self._on_settled(batch, replies)
            except BaseException:
                self.under_way.appendleft(batch)  # to be written off with the connection, which this ends
                raise

    def _lose(self, reason: StoreUnavailable) -> None:
        if not self.lost.done():
            if self._replies and isinstance(self._replies[0], ResponseError):
                reason = _not_let_in(self._replies.pop(0))
            self.lost.set_result(reason)


def _not_let_in(reply: Reply) -> StoreUnavailable:
    return StoreUnavailable(f"Redis lets nobody in: {reply}")
