"""Resolves the windows that a request counts in: those of its client, its route and its address."""

from dataclasses import dataclass
from math import inf

from gateway.contract import keys
from gateway.contract.limits import Limit, Limits
from gateway.contract.overrides import Overrides
from gateway.contract.policy_table import ADDRESS, Policy, PolicyTable, window_names
from gateway.contract.routes import DEFAULT_UPSTREAM
from gateway.identity import Identity
from gateway.limiter.decision import Hit

MAX_CACHED = 16_384
"""Entries of the cache, some 700 bytes each. When full it is cleared; to resolve again takes 3 µs."""

_MAX_OVERRIDDEN = 1024


@dataclass(frozen=True, slots=True, eq=False)
class LimitWindow:
    """One window of a policy; made once, compared by identity.

    `name` is unique among the windows that a request meets (``gold``, ``gold/s``, ``route/search/m``).
    """

    name: str
    scope: str
    limit: Limit
    shadow: bool
    policy_item: bytes
    """The window as an item of RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10 §3)."""
    header_template: bytes
    """The RateLimit header lines of a response that has this window alone, for what remains and the reset."""

    def hit(self, client: str, generation: int, cost: int) -> Hit:
        """The hit of a client's request on this window."""
        key = keys.window(client, self.scope, self.limit.period_seconds, generation)
        return Hit(key, self.limit, cost, self.shadow)


def windows_of(policy_name: str, scope: str, limits: Limits, *, shadow: bool) -> tuple[LimitWindow, ...]:
    """The windows of a policy, one for each period of its limits."""
    names = window_names(policy_name, limits)
    return tuple(
        _window(name, scope, limit, shadow) for name, limit in zip(names, limits.windows, strict=True)
    )


def _window(name: str, scope: str, limit: Limit, shadow: bool) -> LimitWindow:
    # A structured field item (RFC 9651); no name needs an escape.
    policy_item = b'"%b";q=%d;w=%d' % (name.encode(), limit.quota, limit.period_seconds)
    template = b'RateLimit-Policy: %b\r\nRateLimit: "%b";r=%%d;t=%%d\r\n' % (policy_item, name.encode())
    return LimitWindow(name, scope, limit, shadow, policy_item, template)


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """The upstream, the cost and the windows of the routes that match a request."""

    upstream: str = DEFAULT_UPSTREAM
    cost: int = 1
    windows: tuple[LimitWindow, ...] = ()


NO_ROUTE = RouteMatch()
"""For a request that no route matches."""


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """A client's policy with its windows."""

    policy: Policy
    windows: tuple[LimitWindow, ...]


class LimitTable:
    """Finds the windows of a client; only those of live overrides are made at run time."""

    def __init__(self, table: PolicyTable) -> None:
        self._table = table
        self._default = _client_limits(table.policy_of("", Overrides()))
        self._registered = {
            name: _client_limits(table.policy_of(name, Overrides())) for name in table.clients
        }
        self._overridden: dict[Policy, ClientLimits] = {}
        limit = table.address_limit
        self.of_address = (
            () if limit is None else windows_of(ADDRESS, keys.ADDRESS_SCOPE, limit, shadow=table.shadow)
        )

    def is_registered(self, client: str) -> bool:
        """Whether a client stands in the clients file."""
        return client in self._registered

    def of_client(self, client: str, overrides: Overrides) -> ClientLimits:
        """The limits of a client under these overrides."""
        if client not in overrides.limits:
            return self._registered.get(client, self._default)
        policy = self._table.policy_of(client, overrides)
        known = self._overridden.get(policy)
        if known is None:
            if len(self._overridden) >= _MAX_OVERRIDDEN:
                self._overridden.clear()
            known = self._overridden[policy] = _client_limits(policy)
        return known


@dataclass(frozen=True, slots=True, eq=False)
class ResolvedLimits:
    """The windows that a request meets, the hit for each of them, and the upstream it goes to.

    `policy` is the client's.
    """

    client: str
    policy: Policy
    windows: tuple[LimitWindow, ...]
    hits: tuple[Hit, ...]
    cost: int
    upstream: str
    valid_until: float = inf
    """Wall clock time at which the credential expires that this was resolved by."""


class ResolvedLimitsCache:
    """The limits of recently active clients, for one version of the policies and the overrides."""

    def __init__(self) -> None:
        self._table: LimitTable | None = None
        self._overrides: Overrides | None = None
        self._by_client: dict[str, ResolvedLimits] = {}
        self._by_route: dict[tuple[str, RouteMatch], ResolvedLimits] = {}
        self._by_key: dict[int, ResolvedLimits] = {}

    def __len__(self) -> int:
        """Number of entries."""
        return len(self._by_client) + len(self._by_route) + len(self._by_key)

    def of(self, client: str, route: RouteMatch, table: LimitTable, overrides: Overrides) -> ResolvedLimits:
        """The limits of a client's request that this route matches."""
        self._use(table, overrides)
        limits = self._by_client.get(client) if route is NO_ROUTE else self._by_route.get((client, route))
        if limits is None:
            limits = self._resolve(client, route, table, overrides)
            if route is NO_ROUTE:
                self._by_client[client] = limits
            else:
                self._by_route[client, route] = limits
        return limits

    def of_key(
        self, key: str, identity: Identity, table: LimitTable, overrides: Overrides, now: float
    ) -> ResolvedLimits:
        """The same at wall clock time `now` where the key alone decides: no route, list or exemption applies.

        The cache stores 64 bits of a keyed hash (SipHash) of the key, as many as a client id has.

        Raises:
            UnauthenticatedError: no client is registered with the key.
        """
        if table is not self._table or overrides is not self._overrides:
            self._use(table, overrides)
        digest = hash(key)
        limits = self._by_key.get(digest)
        if limits is None or limits.valid_until <= now:
            credential = identity.authenticate(key, None)
            limits = self._resolve(credential.client, NO_ROUTE, table, overrides, credential.valid_until)
            self._by_key[digest] = limits
        return limits

    def _use(self, table: LimitTable, overrides: Overrides) -> None:
        if table is not self._table or overrides is not self._overrides:
            self._clear()
            self._table, self._overrides = table, overrides

    def _resolve(
        self,
        client: str,
        route: RouteMatch,
        table: LimitTable,
        overrides: Overrides,
        valid_until: float = inf,
    ) -> ResolvedLimits:
        if len(self) >= MAX_CACHED:
            self._clear()
        limits = table.of_client(client, overrides)
        windows = limits.windows + route.windows
        generation = overrides.generations.get(client, 0)
        hits = tuple(window.hit(client, generation, route.cost) for window in windows)
        return ResolvedLimits(client, limits.policy, windows, hits, route.cost, route.upstream, valid_until)

    def _clear(self) -> None:
        self._by_client.clear()
        self._by_route.clear()
        self._by_key.clear()


def _client_limits(policy: Policy) -> ClientLimits:
    return ClientLimits(
        policy, windows_of(policy.name, keys.CLIENT_SCOPE, policy.limits, shadow=policy.shadow)
    )
