"""One process of the crew: its start, what it says, and its end."""

import asyncio
import signal
import socket
import sys
from contextlib import suppress

from gateway.workers import CHANNEL_FLAG
from gateway.workers import assignment as assignments
from gateway.workers.assignment import Assignment
from gateway.workers.channel import Channel
from gateway.workers.messages import Orders, Word


class Member:
    """A running worker."""

    def __init__(self, process: asyncio.subprocess.Process, channel: Channel) -> None:
        self._process = process
        self._channel = channel

    @classmethod
    async def start(cls, assignment: Assignment) -> "Member":
        """Run this command once more, as a worker.

        Raises:
            OSError: this machine cannot have one more process.
        """
        ours, its = socket.socketpair()
        try:
            with its:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *sys.orig_argv[1:],
                    f"{CHANNEL_FLAG}={its.fileno()}",
                    pass_fds=(its.fileno(), *assignment.descriptors),
                )
            with suppress(OSError):  # where it has ended already, its exit tells
                assignments.send(ours, assignment)
        except BaseException:
            ours.close()
            raise
        return cls(process, await Channel.over(ours))

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def order(self, orders: Orders) -> None:
        """Tell it what to do from now on."""
        self._channel.say(orders)

    async def hear(self) -> Word | None:
        """The next that it says; None where it has ended."""
        return await self._channel.hear(Word)

    async def release(self, patience_seconds: float) -> int:
        """Have it gone: it is to leave, and if it does not it is ended.

        Its exit code, or the negative number of a signal.
        """
        self.order(Orders(stop=True))
        await self._channel.close()
        try:
            async with asyncio.timeout(patience_seconds):
                return await self._process.wait()
        except TimeoutError:
            self.kill()
            return await self._process.wait()

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            self._process.kill()


def how_it_ended(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"ended with {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"
