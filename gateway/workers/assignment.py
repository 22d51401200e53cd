"""What a worker is given at its start, by the process that starts it and over a channel only they have."""

import pickle
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from math import ceil

from gateway.config.settings import Settings
from gateway.workers.shared_counters import SharedCounters, WorkerPeers

_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class Assignment:
    """One worker's part.

    `number` is from 1 to `workers`. The listening `sockets` of each and the `board` are inherited: these are
    their descriptors. The settings are those that the first process has read: they may be others by now.
    """

    number: int
    workers: int
    settings: Settings
    sockets: tuple[tuple[int, ...], ...]
    board: int
    board_secret: bytes

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All that are inherited."""
        return (*chain.from_iterable(self.sockets), self.board)

    def with_its_share(self) -> Settings:
        """The settings, with what cannot be reckoned together divided."""
        share = ceil(self.settings.upstream_connections / self.workers)
        return self.settings.model_copy(update={"upstream_connections": share})

    def peers(self) -> WorkerPeers:
        """The other workers, in the process that inherited the board."""
        board = SharedCounters(self.board, self.workers, self.board_secret)
        return WorkerPeers(self.workers, board.connections(self.number), board.in_flight(self.number))

    @contextmanager
    def listening(self) -> Iterator[list[list[socket.socket]]]:
        """The listening sockets of each worker, in the process that inherited them."""
        with ExitStack() as stack:
            yield [
                [stack.enter_context(socket.socket(fileno=number)) for number in numbers]
                for numbers in self.sockets
            ]


def send(channel: socket.socket, assignment: Assignment) -> None:
    """Give it to the worker at the other end."""
    content = pickle.dumps(assignment)
    channel.sendall(len(content).to_bytes(_LENGTH_BYTES) + content)


def receive(channel: socket.socket) -> Assignment:
    """What the other end gives.

    Raises:
        EOFError: it is gone.
    """
    length = int.from_bytes(_exactly(channel, _LENGTH_BYTES))
    assignment: Assignment = pickle.loads(_exactly(channel, length))  # noqa: S301 - from who started us, by `send`
    return assignment


def _exactly(channel: socket.socket, number: int) -> bytes:
    content = b""
    while len(content) < number:
        more = channel.recv(number - len(content))
        if not more:
            raise EOFError("the process that started this worker is gone")
        content += more
    return content
