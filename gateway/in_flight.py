"""How many requests of each client are in flight."""


class InFlight:
    """Counts those of one process; a client that has none in flight takes no room."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def __len__(self) -> int:
        """How many clients have requests in flight."""
        return len(self._counts)

    def enter(self, client: str) -> int:
        """One more of a client; how many it has with that. `leave` must follow, whatever becomes of it."""
        count = self._counts.get(client, 0) + 1
        self._counts[client] = count
        return count

    def leave(self, client: str) -> None:
        """One less."""
        count = self._counts[client] - 1
        if count:
            self._counts[client] = count
        else:
            del self._counts[client]
