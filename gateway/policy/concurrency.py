"""The number of requests in flight of each client."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Concurrency:
    """The concurrency limit of a client, and how many of its requests are in flight at this node."""

    limit: int
    taken: int
    """In flight, including this request."""
    shadow: bool

    @property
    def admitted(self) -> bool:
        """Whether this request is within the limit."""
        return self.taken <= self.limit

    @property
    def remaining(self) -> int:
        """How many more requests are."""
        return max(0, self.limit - self.taken)


class InFlight:
    """Counts the requests in flight of one process; a client without any has no entry."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def __len__(self) -> int:
        """The number of clients with requests in flight."""
        return len(self._counts)

    def enter(self, client: str) -> int:
        """Count a request of a client; returns its number in flight. `leave` must follow."""
        count = self._counts.get(client, 0) + 1
        self._counts[client] = count
        return count

    def leave(self, client: str) -> None:
        """A request has ended."""
        count = self._counts[client] - 1
        if count:
            self._counts[client] = count
        else:
            del self._counts[client]
