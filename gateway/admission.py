"""The decision about a request: lists, exemptions, identity, routes, windows, concurrency, limiter."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from gateway.access import AccessDeniedError, AccessList, Address, Exempt, address_of
from gateway.clock import monotonic, wall
from gateway.contract.client_id import address_id
from gateway.contract.policy_table import PolicyTable
from gateway.contract.routes import DEFAULT_UPSTREAM
from gateway.errors import StoreUnavailable
from gateway.identity import Identity, SentKey, UnknownKeyError, UnknownKeyLimiter
from gateway.limiter.batch import PendingCheck
from gateway.limiter.decision import Hit, WindowStatus
from gateway.limiter.limiter import LimiterResult
from gateway.overrides import LiveOverrides
from gateway.policy.concurrency import Concurrency, InFlight
from gateway.policy.resolve import LimitTable, LimitWindow, ResolvedLimits, ResolvedLimitsCache
from gateway.policy.routing import RouteRequest, Routing


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies of a node, as one value: a reload is one assignment, and no request sees parts of two.

    `limits` and `routing` are made of `table`; `upstreams` has the addresses of each upstream's name.
    """

    table: PolicyTable
    identity: Identity
    limits: LimitTable
    routing: Routing
    exempt: Exempt
    allow: AccessList
    deny: AccessList
    upstreams: Mapping[str, tuple[str, ...]]

    need_addresses: bool = field(init=False)
    """Whether a decision depends on the client's address."""
    key_decides: bool = field(init=False)
    """Whether the API key alone decides about a request: there is no list, route or exemption."""

    def __post_init__(self) -> None:
        lists = self.allow.networks or self.deny.networks
        need = bool(lists or self.limits.of_address or self.identity.accepts_anonymous)
        object.__setattr__(self, "need_addresses", need)
        listed = self.exempt.entries or self.allow.entries or self.deny.entries or self.table.routes
        object.__setattr__(self, "key_decides", not (need or listed))


@dataclass(slots=True, init=False)  # one per request: the generated __init__ is slower when compiled
class Decision:
    """Whether a request is admitted, and by which windows.

    `client` is None for an unidentified client. `statuses` has one for each of `windows`, or is None where
    the request was not counted. `concurrency` is None without a concurrency limit. `upstream` is the name of
    one. `in_shadow`: the request would have been rejected, were the policies not in shadow mode.
    """

    admitted: bool
    client: str | None
    windows: tuple[LimitWindow, ...]
    statuses: tuple[WindowStatus, ...] | None
    cost: int
    concurrency: Concurrency | None
    upstream: str
    in_shadow: bool

    def __init__(
        self,
        admitted: bool,
        client: str | None = None,
        windows: tuple[LimitWindow, ...] = (),
        statuses: tuple[WindowStatus, ...] | None = None,
        cost: int = 1,
        concurrency: Concurrency | None = None,
        upstream: str = DEFAULT_UPSTREAM,
        *,
        in_shadow: bool = False,
    ) -> None:
        self.admitted = admitted
        self.client = client
        self.windows = windows
        self.statuses = statuses
        self.cost = cost
        self.concurrency = concurrency
        self.upstream = upstream
        self.in_shadow = in_shadow


class DecisionUnavailableError(StoreUnavailable):
    """Redis is not available, and the settings admit no request without it."""

    def __init__(self, client: str) -> None:
        super().__init__("undecided")
        self.client = client


DecisionResult = Decision | DecisionUnavailableError


class PendingDecision:
    """A request that waits for the limiter."""

    __slots__ = ("_concurrency", "_has_place", "_in_flight", "_limits", "_on_decision", "check")

    def __init__(
        self,
        limits: ResolvedLimits,
        concurrency: Concurrency | None,
        in_flight: InFlight,
        on_decision: Callable[[DecisionResult], None],
    ) -> None:
        self._limits = limits
        self._concurrency = concurrency
        self._has_place = concurrency is not None
        self._in_flight = in_flight
        self._on_decision = on_decision
        self.check: PendingCheck
        """The limiter's part of it."""

    def on_result(self, result: LimiterResult) -> None:
        """The limiter has a result."""
        self._on_decision(
            self.unavailable() if isinstance(result, StoreUnavailable) else self.decision(result)
        )

    def decision(self, statuses: tuple[WindowStatus, ...] | None) -> Decision:
        """The decision that follows from the windows' status."""
        limits, concurrency = self._limits, self._concurrency
        admitted, is_beyond = True, concurrency is not None and not concurrency.admitted
        for place, status in enumerate(statuses or ()):
            if not status.admitted:
                is_beyond = True
                admitted = admitted and limits.hits[place].shadow
        return Decision(
            admitted,
            limits.client,
            limits.windows,
            statuses,
            limits.cost,
            concurrency,
            limits.upstream,
            in_shadow=admitted and is_beyond,
        )

    def unavailable(self) -> DecisionResult:
        """The result without a decision of the limiter: policies in shadow still admit."""
        if all(hit.shadow for hit in self._limits.hits):
            return self.decision(None)
        self._release()
        return DecisionUnavailableError(self._limits.client)

    def cancel(self) -> None:
        """The client is gone: refund the request, and release its place."""
        self._release()
        self.check.cancel()

    def _release(self) -> None:
        if self._has_place:
            self._has_place = False
            self._in_flight.leave(self._limits.client)


class WindowLimiter(Protocol):
    """Decides by windows, as `gateway.limiter.limiter.Limiter` does."""

    def recall(self, hits: Sequence[Hit]) -> tuple[WindowStatus, ...] | None:
        """A recent rejection of the same hits."""

    def check(
        self, hits: Sequence[Hit], on_result: Callable[[LimiterResult], None]
    ) -> tuple[WindowStatus, ...] | PendingCheck | None:
        """The status of each window, or the pending check that `on_result` is called for."""


class Admission:
    """Decides about requests. Each decision must be closed at the end of its request."""

    def __init__(
        self,
        overrides: LiveOverrides,
        limiter: WindowLimiter,
        in_flight: InFlight,
        unknown_keys: UnknownKeyLimiter | None = None,
    ) -> None:
        """Without `unknown_keys`, the number of unknown keys from one address is not limited."""
        self._overrides = overrides
        self._limiter = limiter
        self._cache = ResolvedLimitsCache()
        self._in_flight = in_flight
        self._unknown_keys = unknown_keys

    def check(
        self,
        policies: Policies,
        request: RouteRequest,
        key: SentKey,
        peer: str,
        on_decision: Callable[[DecisionResult], None],
    ) -> Decision | PendingDecision:
        """Decide by `policies` about a request with this key from the address `peer`.

        Returns the decision if it can be made at once. Otherwise `on_decision` is called with it, unless the
        pending decision is cancelled before.

        Raises:
            AccessDeniedError: the client or its address is on the deny list.
            UnauthenticatedError: the request has no usable key, and one is required.
            AmbiguousRouteError: its path or host match several upstreams.
            DecisionUnavailableError: Redis is not available, and the settings admit no request without it.
        """
        limits = self._resolve(policies, request, key, peer)
        if isinstance(limits, Decision):
            return limits
        if not limits.policy.concurrency:
            statuses = self._limiter.recall(limits.hits)
            if statuses is not None:
                return _rejected(limits, statuses, None)
        return self._count(limits, on_decision)

    def _resolve(
        self, policies: Policies, request: RouteRequest, key: SentKey, peer: str
    ) -> ResolvedLimits | Decision:
        """The limits of a request, or the decision about one that has none."""
        table, overrides = policies.limits, self._overrides.current
        if policies.key_decides and isinstance(key, str):
            if self._unknown_keys is None or policies.identity.accepts_unknown:
                return self._cache.of_key(key, policies.identity, table, overrides, wall())
            self._unknown_keys.check(peer, key, monotonic())
            try:
                limits = self._cache.of_key(key, policies.identity, table, overrides, wall())
            except UnknownKeyError:
                self._unknown_keys.count(peer, monotonic())
                raise
            self._unknown_keys.accept(peer, key, monotonic())
            return limits
        address = None
        if policies.need_addresses:
            address = address_of(peer)
            if address is None or policies.deny.has_address(address):
                raise AccessDeniedError(None)
        if policies.exempt.entries and policies.exempt.has(request.method, request.target):
            return Decision(admitted=True, upstream=policies.routing.upstream(request))
        client = self._client_of(policies.identity, key, address, peer)
        if client in policies.deny.clients:
            raise AccessDeniedError(client)
        if client in policies.allow.clients or (address and policies.allow.has_address(address)):
            return Decision(admitted=True, client=client, upstream=policies.routing.upstream(request))
        limits = self._cache.of(client, policies.routing.match(request), table, overrides)
        if table.of_address and address is not None and not table.is_registered(client):
            limits = _with_address(limits, table.of_address, address_id(address))
        return limits

    def _client_of(self, identity: Identity, key: SentKey, address: Address | None, peer: str) -> str:
        if self._unknown_keys is None or identity.accepts_unknown or not isinstance(key, str):
            return identity.authenticate(key, address).client
        self._unknown_keys.check(peer, key, monotonic())
        try:
            client = identity.authenticate(key, address).client
        except UnknownKeyError:
            self._unknown_keys.count(peer, monotonic())
            raise
        self._unknown_keys.accept(peer, key, monotonic())
        return client

    def _count(
        self, limits: ResolvedLimits, on_decision: Callable[[DecisionResult], None]
    ) -> Decision | PendingDecision:
        """Count the request in all its windows, if its client is within its concurrency limit."""
        concurrency = self._enter(limits) if limits.policy.concurrency else None
        if concurrency is not None:
            if not (concurrency.admitted or concurrency.shadow):
                return _rejected(limits, None, concurrency)
            statuses = self._limiter.recall(limits.hits)
            if statuses is not None:
                return _rejected(limits, statuses, concurrency)
        pending = PendingDecision(limits, concurrency, self._in_flight, on_decision)
        try:
            result = self._limiter.check(limits.hits, pending.on_result)
        except StoreUnavailable as reason:
            decided = pending.unavailable()
            if isinstance(decided, DecisionUnavailableError):
                raise decided from reason
            return decided
        except BaseException:
            if concurrency is not None:
                self._in_flight.leave(limits.client)
            raise
        if isinstance(result, PendingCheck):
            pending.check = result
            return pending
        return pending.decision(result)

    def close(self, decision: Decision) -> None:
        """The request has ended: release its place in the concurrency limit."""
        if decision.concurrency is not None and decision.client is not None:
            self._in_flight.leave(decision.client)

    def _enter(self, limits: ResolvedLimits) -> Concurrency:
        policy = limits.policy
        return Concurrency(policy.concurrency, self._in_flight.enter(limits.client), policy.shadow)


def _rejected(
    limits: ResolvedLimits, statuses: tuple[WindowStatus, ...] | None, concurrency: Concurrency | None
) -> Decision:
    return Decision(False, limits.client, limits.windows, statuses, limits.cost, concurrency, limits.upstream)


def _with_address(limits: ResolvedLimits, windows: tuple[LimitWindow, ...], address: str) -> ResolvedLimits:
    hits = tuple(window.hit(address, 0, limits.cost) for window in windows)
    return replace(limits, windows=limits.windows + windows, hits=limits.hits + hits)
