"""What a worker is given at its start, by the process that starts it and over a channel only they have."""

import pickle
import socket
from dataclasses import dataclass, replace

from gateway.settings import Settings

_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class Assignment:
    """One worker's part.

    `number` is from 1 to `workers`; `descriptors` has the listening sockets of each worker, in this order.
    The settings are those that the first process has read: files of settings may have changed since.
    """

    number: int
    workers: int
    settings: Settings
    descriptors: tuple[tuple[int, ...], ...]

    def with_its_share(self) -> "Assignment":
        """With the bounds of a node divided among its workers."""
        node = self.settings
        of_clients, more = divmod(node.max_connections, self.workers)
        share = {
            "max_connections": max(1, of_clients + (self.number <= more)),
            "upstream_connections": -(-node.upstream_connections // self.workers),
        }
        return replace(self, settings=node.model_copy(update=share))

    def sockets(self) -> list[list[socket.socket]]:
        """The listening sockets of each worker, in the process that inherited them."""
        return [[socket.socket(fileno=number) for number in numbers] for numbers in self.descriptors]


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
