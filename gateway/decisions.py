"""What is decided about a request, or why nothing is."""

import asyncio
from dataclasses import dataclass

from gateway.contract.routes import DEFAULT_UPSTREAM
from gateway.errors import StoreUnavailable
from gateway.limiter.decision import Standing
from gateway.meters import Meter


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How many requests of a client may be in flight here, and how many are with this one."""

    limit: int
    taken: int
    shadow: bool

    @property
    def admitted(self) -> bool:
        """Whether this one fits in."""
        return self.taken <= self.limit

    @property
    def remaining(self) -> int:
        """How many more would."""
        return max(0, self.limit - self.taken)


@dataclass(slots=True, init=False)  # one a request: see CONTRIBUTING, "What is compiled"
class Decision:
    """Whether a request may pass, and by which windows.

    `client` is None where nobody was identified. `standings` has one for each of `meters`, or is None where
    nobody counted. `concurrency` is None where any number may be in flight. `upstream` is a name: where
    the request goes. `in_shadow`: it would have been refused, if policies in shadow did refuse.
    """

    admitted: bool
    client: str | None
    meters: tuple[Meter, ...]
    standings: tuple[Standing, ...] | None
    cost: int
    concurrency: Concurrency | None
    upstream: str
    in_shadow: bool

    def __init__(
        self,
        admitted: bool,
        client: str | None = None,
        meters: tuple[Meter, ...] = (),
        standings: tuple[Standing, ...] | None = None,
        cost: int = 1,
        concurrency: Concurrency | None = None,
        upstream: str = DEFAULT_UPSTREAM,
        *,
        in_shadow: bool = False,
    ) -> None:
        self.admitted = admitted
        self.client = client
        self.meters = meters
        self.standings = standings
        self.cost = cost
        self.concurrency = concurrency
        self.upstream = upstream
        self.in_shadow = in_shadow


class Undecided(StoreUnavailable):
    """Nobody can say whether a client has something left, and the settings let nobody pass without that."""

    def __init__(self, client: str) -> None:
        super().__init__("undecided")
        self.client = client


class LeftDecided(asyncio.CancelledError):
    """Who asked was cancelled when the decision was there, and has not taken it."""

    def __init__(self, decision: Decision) -> None:
        super().__init__()
        self.decision = decision


Decided = Decision | Undecided
