"""Very many clients of which some ask often and most seldom: Zipf's law, without a list of them."""

from collections.abc import Sequence
from random import Random


class Crowd(Sequence[str]):
    """Clients by their rank. `popularity` is the exponent, below 1: 0 has all ask alike often."""

    def __init__(self, clients: int, popularity: float = 0.8) -> None:
        self._clients = clients
        self._power = 1 / (1 - popularity)
        self._whole = (clients + 1) ** (1 - popularity) - 1

    def __len__(self) -> int:
        """How many there are."""
        return self._clients

    def __getitem__(self, rank):  # type: ignore[no-untyped-def]  # overloads of Sequence
        return name(rank)

    def drawn(self, random: Random) -> str:
        """Who asks next: the continuous law's rank, rounded down."""
        return name(int((1 + random.random() * self._whole) ** self._power) - 1)


def name(rank: int) -> str:
    """As the gateway names those that it was not told of: by 16 digits."""
    return f"k_{rank:016x}"
