"""What a request of a client is charged, made once for as long as nothing of it changes. No IO."""

from dataclasses import dataclass

from gateway.contract.overrides import Overrides
from gateway.contract.policy_table import Policy
from gateway.identity import Identity
from gateway.limiter.charge import Charge
from gateway.meters import Meter, Meters
from gateway.routing import UNROUTED, Passage

MAX_BILLS = 16_384
"""Some 700 bytes each: 11 MB. Where more clients are active, all are made anew now and then, at 3 µs each;
each is held once, by its client or by its key."""


@dataclass(frozen=True, slots=True, eq=False)
class Bill:
    """The windows that a request meets, with one charge for each, and where it goes.

    `policy` is the client's.
    """

    client: str
    policy: Policy
    meters: tuple[Meter, ...]
    charges: tuple[Charge, ...]
    cost: int
    upstream: str


class Bills:
    """Those of the clients that were active last, as long as policies and overrides are the same."""

    def __init__(self) -> None:
        self._meters: Meters | None = None
        self._overrides: Overrides | None = None
        self._by_client: dict[str, Bill] = {}
        self._by_passage: dict[tuple[str, Passage], Bill] = {}
        self._by_key: dict[int, Bill] = {}

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._by_client) + len(self._by_passage) + len(self._by_key)

    def of(self, client: str, passage: Passage, meters: Meters, overrides: Overrides) -> Bill:
        """What a request of this client that goes by this passage is charged now."""
        if meters is not self._meters or overrides is not self._overrides:
            self._begin(meters, overrides)
        bill = self._by_client.get(client) if passage is UNROUTED else self._by_passage.get((client, passage))
        if bill is None:
            bill = self._make(client, passage, meters, overrides)
            if passage is UNROUTED:
                self._by_client[client] = bill
            else:
                self._by_passage[client, passage] = bill
        return bill

    def of_key(self, key: str, identity: Identity, meters: Meters, overrides: Overrides) -> Bill:
        """The same of a request that shows this key, where the key alone says whose it is and what it meets.

        Not the key is kept but 64 bits of a keyed hash of it (SipHash), as many as its client's id has.

        Raises:
            Unidentified: nobody registered it.
        """
        if meters is not self._meters or overrides is not self._overrides:
            self._begin(meters, overrides)
        digest = hash(key)
        bill = self._by_key.get(digest)
        if bill is None:
            client = identity.client_of(key, None)
            bill = self._by_key[digest] = self._make(client, UNROUTED, meters, overrides)
        return bill

    def _begin(self, meters: Meters, overrides: Overrides) -> None:
        self._forget()
        self._meters, self._overrides = meters, overrides

    def _make(self, client: str, passage: Passage, meters: Meters, overrides: Overrides) -> Bill:
        if len(self) >= MAX_BILLS:
            self._forget()
        return _bill(client, passage, meters, overrides)

    def _forget(self) -> None:
        self._by_client.clear()
        self._by_passage.clear()
        self._by_key.clear()


def _bill(client: str, passage: Passage, known: Meters, overrides: Overrides) -> Bill:
    tariff = known.of_client(client, overrides)
    meters = tariff.meters + passage.meters
    generation = overrides.generations.get(client, 0)
    charges = tuple(meter.charge(client, generation, passage.cost) for meter in meters)
    return Bill(client, tariff.policy, meters, charges, passage.cost, passage.upstream)
