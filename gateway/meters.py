"""Which windows a request meets: those of its client and of its address. No IO."""

from dataclasses import dataclass

from gateway.contract import keys
from gateway.contract.limits import Limit, Limits
from gateway.contract.overrides import Overrides
from gateway.contract.policy_table import ADDRESS, Policy, PolicyTable, window_names
from gateway.limiter.charge import Charge

_OVERRIDDEN = 1024
"""How many overridden clients' meters are kept; making them anew costs some microseconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Meter:
    """One window of a policy, made once and known by itself.

    `name` is unique among those that a request meets (``gold``, ``gold/s``, ``route/search/m``).
    """

    name: str
    scope: str
    limit: Limit
    shadow: bool
    announcement: bytes  # the window as an item of RateLimit-Policy
    told: bytes  # the lines of an answer that tell of this window alone, for what is left and for how long

    def charge(self, client: str, generation: int, cost: int) -> Charge:
        """What a request of a client takes of it."""
        key = keys.window(client, self.scope, self.limit.period_seconds, generation)
        return Charge(key, self.limit, cost, self.shadow)


def meters_of(policy_name: str, scope: str, limits: Limits, *, shadow: bool) -> tuple[Meter, ...]:
    """One for each window."""
    names = window_names(policy_name, limits)
    return tuple(
        _meter(name, scope, limit, shadow) for name, limit in zip(names, limits.windows, strict=True)
    )


def _meter(name: str, scope: str, limit: Limit, shadow: bool) -> Meter:
    # draft-ietf-httpapi-ratelimit-headers-10 §3: a structured item (RFC 9651); no name needs an escape
    announcement = b'"%b";q=%d;w=%d' % (name.encode(), limit.quota, limit.period_seconds)
    told = b'RateLimit-Policy: %b\r\nRateLimit: "%b";r=%%d;t=%%d\r\n' % (announcement, name.encode())
    return Meter(name, scope, limit, shadow, announcement, told)


@dataclass(frozen=True, slots=True)
class Tariff:
    """A client's policy with its meters."""

    policy: Policy
    meters: tuple[Meter, ...]


class Meters:
    """Finds a client's meters by two looks into dictionaries; only those of overrides are made then."""

    def __init__(self, table: PolicyTable) -> None:
        self._table = table
        self._default = _tariff(table.policy_of("", Overrides()))
        self._registered = {name: _tariff(table.policy_of(name, Overrides())) for name in table.clients}
        self._overridden: dict[Policy, Tariff] = {}
        limit = table.address_limit
        self.of_address = (
            () if limit is None else meters_of(ADDRESS, keys.ADDRESS_SCOPE, limit, shadow=table.shadow)
        )

    def is_registered(self, client: str) -> bool:
        """Whether a client stands in the clients file."""
        return client in self._registered

    def of_client(self, client: str, overrides: Overrides) -> Tariff:
        """What holds for a client now."""
        if client not in overrides.limits:
            return self._registered.get(client, self._default)
        policy = self._table.policy_of(client, overrides)
        known = self._overridden.get(policy)
        if known is None:
            if len(self._overridden) >= _OVERRIDDEN:
                self._overridden.clear()
            known = self._overridden[policy] = _tariff(policy)
        return known


def _tariff(policy: Policy) -> Tariff:
    return Tariff(policy, meters_of(policy.name, keys.CLIENT_SCOPE, policy.limits, shadow=policy.shadow))
