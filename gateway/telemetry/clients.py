"""Which clients use this node: how many, the busiest, the most refused."""

from collections.abc import Mapping

from gateway.contract import sketches
from gateway.contract.records import TOP_CLIENTS, ClientCount
from gateway.telemetry.newcomers import Newcomers
from gateway.telemetry.topk import SpaceSaving

_TRACKED = 1000
_PENDING = 256  # so that no request pays for more than half a millisecond of folding
_UNTOLD = 20_000
"""Clients, where nobody takes them; of further ones only the requests count, and not whose they are."""

Units = Mapping[str, int]
"""By client."""


class ClientActivity:
    """Requests and refusals by client. A request costs a dictionary's update, the rest comes later."""

    def __init__(self) -> None:
        self._requests: dict[str, int] = {}
        self._refusals: dict[str, int] = {}
        self._busiest = SpaceSaving(_TRACKED)
        self._most_refused = SpaceSaving(_TRACKED)
        self._newcomers = Newcomers()
        self._sketch: tuple[str, ...] = ()

    def count(self, client: str, *, refused: bool) -> None:
        """Note one identified request."""
        self._requests[client] = self._requests.get(client, 0) + 1
        if refused:
            self._refusals[client] = self._refusals.get(client, 0) + 1
        if len(self._requests) > _PENDING:
            self._fold()

    def add(self, requests: Units, refusals: Units) -> None:
        """Note what another process has counted."""
        self._sketch = sketches.add_clients(self._sketch, self._newcomers.among(requests))
        self._busiest.add_all(requests)
        self._most_refused.add_all(refusals)

    def tick(self) -> None:
        """A second is over."""
        self._busiest.fade()
        self._most_refused.fade()
        self._fold()

    def _fold(self) -> None:
        self.add(self._requests, self._refusals)
        self._requests.clear()
        self._refusals.clear()

    @property
    def sketch(self) -> tuple[str, ...]:
        """For the number of different clients: see `gateway.contract.sketches`."""
        return self._sketch

    @property
    def new(self) -> int:
        """How many clients were here for the first time, as far as is remembered."""
        return self._newcomers.seen

    @property
    def busiest(self) -> tuple[ClientCount, ...]:
        """By requests."""
        return self._busiest.top(TOP_CLIENTS)

    @property
    def most_refused(self) -> tuple[ClientCount, ...]:
        """By refusals."""
        return self._most_refused.top(TOP_CLIENTS)


class UntoldClients(ClientActivity):
    """The same where another process keeps the lists: what was counted waits here until it is taken."""

    def count(self, client: str, *, refused: bool) -> None:
        """Note one identified request."""
        if client in self._requests or len(self._requests) < _UNTOLD:
            self._requests[client] = self._requests.get(client, 0) + 1
            if refused:
                self._refusals[client] = self._refusals.get(client, 0) + 1

    def take(self) -> tuple[Units, Units]:
        """Requests and refusals since the last time."""
        taken = self._requests, self._refusals
        self._requests, self._refusals = {}, {}
        return taken
