"""The one call before the upstream: lists → exempt → identity → routes → windows → concurrency → limiter."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from gateway.access import Denied
from gateway.addresses import Address, address_of
from gateway.bills import Bill, Bills
from gateway.clock import monotonic
from gateway.contract.client_id import address_id
from gateway.decisions import Concurrency, Decided, Decision, LeftDecided, Undecided
from gateway.errors import StoreUnavailable
from gateway.fields import RawHeaders
from gateway.identity import Identity, SentKey, UnknownKey
from gateway.in_flight import InFlight
from gateway.limiter.ask import Ask
from gateway.limiter.charge import Charge
from gateway.limiter.decision import Standing
from gateway.limiter.limiter import Told
from gateway.meters import Meter
from gateway.overrides import LiveOverrides
from gateway.policies import Policies
from gateway.routing import Asking
from gateway.wrong_keys import WrongKeys


class Asked:
    """A request that waits for its decision. Its requester may go, and says so by `leave`."""

    __slots__ = ("_bill", "_concurrency", "_has_place", "_in_flight", "_on_decided", "waiting")

    def __init__(
        self,
        bill: Bill,
        concurrency: Concurrency | None,
        in_flight: InFlight,
        on_decided: Callable[[Decided], None],
    ) -> None:
        self._bill = bill
        self._concurrency = concurrency
        self._has_place = concurrency is not None
        self._in_flight = in_flight
        self._on_decided = on_decided
        self.waiting: Ask

    def take(self, told: Told) -> None:
        """The limiter has decided."""
        self._on_decided(self.failed() if isinstance(told, StoreUnavailable) else self.decided(told))

    def decided(self, standings: tuple[Standing, ...] | None) -> Decision:
        """What the standings mean for the request."""
        bill, concurrency = self._bill, self._concurrency
        admitted, beyond = True, concurrency is not None and not concurrency.admitted
        for place, standing in enumerate(standings or ()):
            if not standing.admitted:
                beyond = True
                admitted = admitted and bill.charges[place].shadow
        return Decision(
            admitted,
            bill.client,
            bill.meters,
            standings,
            bill.cost,
            concurrency,
            bill.upstream,
            in_shadow=admitted and beyond,
        )

    def failed(self) -> Decided:
        """Nobody has decided; shadow refuses nobody, also where nobody would pass uncounted."""
        if all(charge.shadow for charge in self._bill.charges):
            return self.decided(None)
        self._give_place_back()
        return Undecided(self._bill.client)

    def leave(self) -> None:
        """Nobody waits any more: what was taken goes back."""
        self._give_place_back()
        self.waiting.leave()

    def _give_place_back(self) -> None:
        if self._has_place:
            self._has_place = False
            self._in_flight.leave(self._bill.client)


class Deciding(Protocol):
    """What decides by windows, as `gateway.limiter.limiter.Limiter` does."""

    def recall(self, charges: Sequence[Charge]) -> tuple[Standing, ...] | None:
        """A refusal that has just been given."""

    def ask(
        self, charges: Sequence[Charge], on_decided: Callable[[Told], None]
    ) -> tuple[Standing, ...] | Ask | None:
        """The decision, or the `Ask` of which `on_decided` will be told."""


class Admission:
    """Decides about requests. What it decided is to be `closed` when the request has ended in any way."""

    def __init__(
        self,
        overrides: LiveOverrides,
        limiter: Deciding,
        in_flight: InFlight,
        wrong_keys: WrongKeys | None = None,
    ) -> None:
        """Without `wrong_keys`, the number of unknown keys from one address is not bounded."""
        self._overrides = overrides
        self._limiter = limiter
        self._bills = Bills()
        self._in_flight = in_flight
        self._wrong_keys = wrong_keys

    async def decide(self, policies: Policies, request: Asking, headers: RawHeaders, peer: str) -> Decision:
        """As `ask`, for whoever can wait.

        Raises:
            Undecided: as `ask` tells it; the rest as there.
            LeftDecided: instead of a CancelledError that came too late.
        """
        future: asyncio.Future[Decided] = asyncio.get_running_loop().create_future()
        told: Decided | None = None

        def tell(decided: Decided) -> None:
            nonlocal told
            told = decided
            if not future.done():
                future.set_result(decided)

        asked = self.ask(policies, request, policies.identity.key_in(headers), peer, tell)
        if isinstance(asked, Decision):
            return asked
        try:
            decided = await future
        except asyncio.CancelledError:
            if isinstance(told, Decision):
                raise LeftDecided(told) from None
            asked.leave()
            raise
        if isinstance(decided, Undecided):
            raise decided
        return decided

    def ask(
        self,
        policies: Policies,
        request: Asking,
        key: SentKey,
        peer: str,
        on_decided: Callable[[Decided], None],
    ) -> Decision | Asked:
        """Decide by `policies` about a request that shows this key and comes from the address `peer`.

        Returns the decision where it is there at once. Otherwise `on_decided` is called with it, unless the
        requester leaves before.

        Raises:
            Denied: it, or its address, is on the deny list.
            Unidentified: it has no usable key, or none where one is needed.
            Ambiguous: nobody can say which upstream it is for.
            Undecided: Redis is away, and the settings let nobody pass without it.
        """
        bill = self.bill(policies, request, key, peer)
        if isinstance(bill, Decision):
            return bill
        return self.recall(bill) or self.count(bill, on_decided)

    def bill(self, policies: Policies, request: Asking, key: SentKey, peer: str) -> Bill | Decision:
        """What a request is charged, or the decision about one that is charged nothing.

        Raises:
            Denied, Unidentified, Ambiguous: as `ask`.
        """
        meters, overrides = policies.meters, self._overrides.current
        if policies.key_says_all and isinstance(key, str):
            if self._wrong_keys is None or policies.identity.accepts_unknown:
                return self._bills.of_key(key, policies.identity, meters, overrides)
            self._wrong_keys.check(peer, key, monotonic())
            try:
                bill = self._bills.of_key(key, policies.identity, meters, overrides)
            except UnknownKey:
                self._wrong_keys.count(peer, monotonic())
                raise
            self._wrong_keys.accept(peer, key, monotonic())
            return bill
        address = None
        if policies.need_addresses:
            address = address_of(peer)
            if address is None or policies.deny.has_address(address):
                raise Denied(None)
        if policies.exempt.entries and policies.exempt.takes(request.method, request.target):
            return Decision(admitted=True, upstream=policies.routing.upstream(request))
        client = self._client_of(policies.identity, key, address, peer)
        if client in policies.deny.clients:
            raise Denied(client)
        if client in policies.allow.clients or (address and policies.allow.has_address(address)):
            return Decision(admitted=True, client=client, upstream=policies.routing.upstream(request))
        bill = self._bills.of(client, policies.routing.passage(request), meters, overrides)
        if meters.of_address and address is not None and not meters.is_registered(client):
            bill = _with_address(bill, meters.of_address, address_id(address))
        return bill

    def _client_of(self, identity: Identity, key: SentKey, address: Address | None, peer: str) -> str:
        if self._wrong_keys is None or identity.accepts_unknown or not isinstance(key, str):
            return identity.client_of(key, address)
        self._wrong_keys.check(peer, key, monotonic())
        try:
            client = identity.client_of(key, address)
        except UnknownKey:
            self._wrong_keys.count(peer, monotonic())
            raise
        self._wrong_keys.accept(peer, key, monotonic())
        return client

    def recall(self, bill: Bill) -> Decision | None:
        """The refusal of a request with such a bill, where one like it has just been refused."""
        return None if bill.policy.concurrency else self._recalled(bill, None)

    def _recalled(self, bill: Bill, concurrency: Concurrency | None) -> Decision | None:
        standings = self._limiter.recall(bill.charges)
        if standings is None:
            return None
        return Decision(False, bill.client, bill.meters, standings, bill.cost, concurrency, bill.upstream)

    def count(self, bill: Bill, on_decided: Callable[[Decided], None]) -> Decision | Asked:
        """As `ask` from there on: charge all windows that the request meets, if its client has a place."""
        concurrency = self._enter(bill) if bill.policy.concurrency else None
        if concurrency is not None:
            if not (concurrency.admitted or concurrency.shadow):
                return Decision(False, bill.client, bill.meters, None, bill.cost, concurrency, bill.upstream)
            refusal = self._recalled(bill, concurrency)
            if refusal is not None:
                return refusal
        asked = Asked(bill, concurrency, self._in_flight, on_decided)
        try:
            told = self._limiter.ask(bill.charges, asked.take)
        except StoreUnavailable as reason:
            decided = asked.failed()
            if isinstance(decided, Undecided):
                raise decided from reason
            return decided
        except BaseException:
            if concurrency is not None:
                self._in_flight.leave(bill.client)
            raise
        if isinstance(told, Ask):
            asked.waiting = told
            return asked
        return asked.decided(told)

    def close(self, decision: Decision) -> None:
        """Give back the place of a request that has ended: answered, refused, failed or cancelled."""
        if decision.concurrency is not None and decision.client is not None:
            self._in_flight.leave(decision.client)

    def keep(self, decision: Decision) -> Callable[[], None]:
        """Keep the place of a request beyond its `close`, until what this returns is called."""
        client = decision.client
        if decision.concurrency is None or client is None:
            return lambda: None
        self._in_flight.enter(client)
        return partial(self._in_flight.leave, client)

    def _enter(self, bill: Bill) -> Concurrency:
        policy = bill.policy
        return Concurrency(policy.concurrency, self._in_flight.enter(bill.client), policy.shadow)


def _with_address(bill: Bill, meters: tuple[Meter, ...], place: str) -> Bill:
    charges = tuple(meter.charge(place, 0, bill.cost) for meter in meters)
    return replace(bill, meters=bill.meters + meters, charges=bill.charges + charges)
