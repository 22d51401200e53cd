"""Places of which there are only so many, and those who wait for one in line."""

import asyncio
from collections import deque


class Places:
    """Not asyncio's `Semaphore`: taking one at once takes no coroutine."""

    __slots__ = ("_waiting", "free")

    def __init__(self, count: int) -> None:
        self.free = count
        """How many can be taken at once."""
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take(self) -> bool:
        """Take one if there is one; whoever waits comes before."""
        if not self.free:
            return False
        self.free -= 1
        return True

    async def wait(self, seconds: float) -> None:
        """Take one as soon as there is one.

        Raises:
            TimeoutError: there has been none for so long.
        """
        if self.take():
            return
        given: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(given)
        try:
            async with asyncio.timeout(seconds):
                await given
        except BaseException:
            if given.done() and not given.cancelled():
                self.give_back()
            elif given in self._waiting:
                self._waiting.remove(given)
            raise

    def give_back(self) -> None:
        """One is free: for whoever has waited longest."""
        while self._waiting:
            given = self._waiting.popleft()
            if not given.done():
                given.set_result(None)
                return
        self.free += 1
