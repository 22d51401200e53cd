"""The one call before the upstream: lists → exempt → identity → routes → windows → places → limiter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from gateway.access import Denied
from gateway.addresses import Address, address_of
from gateway.contract.client_id import address_id
from gateway.contract.policy_table import Policy
from gateway.contract.routes import DEFAULT_UPSTREAM
from gateway.errors import StoreUnavailable
from gateway.fields import RawHeaders
from gateway.in_flight import InFlight
from gateway.limiter.charge import Charge
from gateway.limiter.decision import Standing, admits
from gateway.limiter.limiter import Limiter
from gateway.meters import Meter, Meters
from gateway.overrides import LiveOverrides
from gateway.policies import Policies
from gateway.routing import Passage


@dataclass(frozen=True, slots=True)
class Places:
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


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request may pass, and by which windows.

    `client` is None where nobody was identified. `standings` has one for each of `meters`, or is None where
    nobody counted. `places` is None where any number may be in flight. `upstream` is a name: where
    the request goes.
    """

    admitted: bool
    client: str | None = None
    meters: tuple[Meter, ...] = ()
    standings: tuple[Standing, ...] | None = None
    cost: int = 1
    places: Places | None = None
    upstream: str = DEFAULT_UPSTREAM

    @property
    def in_shadow(self) -> bool:
        """Whether it would have been refused, if policies in shadow did refuse."""
        if not self.admitted:
            return False
        beyond = self.places is not None and not self.places.admitted
        return beyond or not all(standing.admitted for standing in self.standings or ())


class Undecided(StoreUnavailable):
    """Nobody can say whether a client has something left, and the settings let nobody pass without that."""

    def __init__(self, client: str) -> None:
        super().__init__("undecided")
        self.client = client


class Admission:
    """Decides about requests. What it decided is to be `closed` when the request has ended in any way."""

    def __init__(self, overrides: LiveOverrides, limiter: Limiter) -> None:
        self._overrides = overrides
        self._limiter = limiter
        self.in_flight = InFlight()

    async def decide(
        self, policies: Policies, method: str, host: bytes, target: bytes, headers: RawHeaders, peer: str
    ) -> Decision:
        """Decide by `policies` about a request: its Host and target as they were sent, `peer` its address.

        Raises:
            Denied: it, or its address, is on the deny list.
            Unidentified: it has no usable key, or none where one is needed.
            Ambiguous: nobody can say which upstream it is for.
            Undecided: Redis is away, and the settings let nobody pass without it.
        """
        address = address_of(peer) if policies.need_addresses else None
        if policies.deny.has_address(address) or (policies.need_addresses and address is None):
            raise Denied(None)
        if policies.exempt and policies.exempt.takes(method, target):
            return Decision(admitted=True, upstream=policies.routing.upstream(method, host, target))
        client = policies.identity.client_of(headers, address)
        if client in policies.deny.clients:
            raise Denied(client)
        if client in policies.allow.clients or policies.allow.has_address(address):
            upstream = policies.routing.upstream(method, host, target)
            return Decision(admitted=True, client=client, upstream=upstream)
        passage = policies.routing.passage(method, host, target)
        return await self._count(policies.meters, client, address, passage)

    async def _count(self, known: Meters, client: str, address: Address | None, passage: Passage) -> Decision:
        """Charge all windows that the request meets, if its client has a place."""
        overrides = self._overrides.current
        tariff = known.of_client(client, overrides)
        cost, upstream = passage.cost, passage.upstream
        meters = tariff.meters + passage.meters
        generation = overrides.generations.get(client, 0)
        charges = [Charge(meter.key(client, generation), meter.limit, cost, meter.shadow) for meter in meters]
        if known.of_address and address is not None and not known.is_registered(client):
            meters += known.of_address
            charges += _charges_of(known.of_address, address, cost)
        places = self._enter(client, tariff.policy)
        if places is not None and not (places.admitted or places.shadow):
            return Decision(False, client, meters, None, cost, places, upstream)
        is_decided = False
        try:
            standings = await self._decide(charges)
            is_decided = True
        except StoreUnavailable as reason:
            raise Undecided(client) from reason
        finally:
            if places is not None and not is_decided:
                self.in_flight.leave(client)
        admitted = standings is None or admits(charges, standings)
        return Decision(admitted, client, meters, standings, cost, places, upstream)

    async def _decide(self, charges: Sequence[Charge]) -> tuple[Standing, ...] | None:
        """As the limiter does; but shadow refuses nobody, also where nobody would pass without Redis."""
        try:
            return await self._limiter.decide(charges)
        except StoreUnavailable:
            if all(charge.shadow for charge in charges):
                return None
            raise

    def close(self, decision: Decision) -> None:
        """Give back the place of a request that has ended: answered, refused, failed or cancelled."""
        if decision.places is not None and decision.client is not None:
            self.in_flight.leave(decision.client)

    def keep(self, decision: Decision) -> Callable[[], None]:
        """Keep the place of a request beyond its `close`, until what this returns is called."""
        client = decision.client
        if decision.places is None or client is None:
            return lambda: None
        self.in_flight.enter(client)
        return partial(self.in_flight.leave, client)

    def _enter(self, client: str, policy: Policy) -> Places | None:
        if not policy.concurrency:
            return None
        return Places(policy.concurrency, self.in_flight.enter(client), policy.shadow)


def _charges_of(meters: Sequence[Meter], address: Address, cost: int) -> list[Charge]:
    place = address_id(address)
    return [Charge(meter.key(place, 0), meter.limit, cost, meter.shadow) for meter in meters]
