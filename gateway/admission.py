"""The one call between a request and the upstream: lists → identity → windows → places → limiter."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.access import AccessList, Denied
from gateway.addresses import Address, address_of, counted_as
from gateway.contract.client_id import UNKNOWN_PREFIX
from gateway.contract.policy_table import Policy
from gateway.errors import StoreUnavailable
from gateway.exempt import Exempt
from gateway.fields import RawHeaders
from gateway.identity import Identity
from gateway.in_flight import InFlight
from gateway.limiter.charge import Charge
from gateway.limiter.decision import Standing, admits
from gateway.limiter.limiter import Limiter
from gateway.meters import Meter, Meters
from gateway.overrides import LiveOverrides


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
    nobody counted. `places` is None where any number may be in flight.
    """

    admitted: bool
    client: str | None = None
    meters: tuple[Meter, ...] = ()
    standings: tuple[Standing, ...] | None = None
    cost: int = 1
    places: Places | None = None

    @property
    def in_shadow(self) -> bool:
        """Whether it would have been refused, if policies in shadow did refuse."""
        if not self.admitted:
            return False
        beyond = self.places is not None and not self.places.admitted
        return beyond or not all(standing.admitted for standing in self.standings or ())


_UNCOUNTED = Decision(admitted=True)


class Admission:
    """Decides about requests. What it decided is to be `closed` when the request has ended in any way."""

    def __init__(
        self,
        identity: Identity,
        meters: Meters,
        overrides: LiveOverrides,
        limiter: Limiter,
        *,
        exempt: Exempt,
        allow: AccessList,
        deny: AccessList,
    ) -> None:
        self._identity = identity
        self._meters = meters
        self._overrides = overrides
        self._limiter = limiter
        self._exempt = exempt
        self._allow = allow
        self._deny = deny
        self._needs_address = bool(allow.networks or deny.networks or meters.of_address)
        self.in_flight = InFlight()

    async def decide(self, method: str, target: bytes, headers: RawHeaders, peer: str) -> Decision:
        """Decide about a request: its target as the client sent it, `peer` the client's address as a text.

        Raises:
            Denied: it, or its address, is on the deny list.
            Unidentified: it has no usable key.
            StoreUnavailable: Redis is away, and the settings let nobody pass without it.
        """
        address = address_of(peer) if self._needs_address else None
        if self._deny.has_address(address):
            raise Denied(None)
        if self._exempt and self._exempt.takes(method, target):
            return _UNCOUNTED
        client = self._identity.client_of(headers)
        if client in self._deny.clients:
            raise Denied(client)
        if client in self._allow.clients or self._allow.has_address(address):
            return Decision(admitted=True, client=client)
        return await self._count(client, address, method, target)

    async def _count(self, client: str, address: Address | None, method: str, target: bytes) -> Decision:
        """Charge all windows that the request meets, if its client has a place."""
        overrides = self._overrides.current
        tariff = self._meters.of_client(client, overrides)
        cost, of_routes = self._meters.of_routes(method, target)
        meters = tariff.meters + of_routes
        generation = overrides.generations.get(client, 0)
        charges = [Charge(meter.key(client, generation), meter.limit, cost, meter.shadow) for meter in meters]
        if self._meters.of_address and address is not None and client.startswith(UNKNOWN_PREFIX):
            meters += self._meters.of_address
            charges += self._charges_of(address, cost)
        places = self._enter(client, tariff.policy)
        if places is not None and not (places.admitted or places.shadow):
            return Decision(False, client, meters, None, cost, places)
        is_decided = False
        try:
            standings = await self._decide(charges)
            is_decided = True
        finally:
            if places is not None and not is_decided:
                self.in_flight.leave(client)
        admitted = standings is None or admits(charges, standings)
        return Decision(admitted, client, meters, standings, cost, places)

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

    def _charges_of(self, address: Address, cost: int) -> list[Charge]:
        place = counted_as(address)
        return [
            Charge(meter.key(place, 0), meter.limit, cost, meter.shadow) for meter in self._meters.of_address
        ]

    def _enter(self, client: str, policy: Policy) -> Places | None:
        if not policy.concurrency:
            return None
        return Places(policy.concurrency, self.in_flight.enter(client), policy.shadow)
