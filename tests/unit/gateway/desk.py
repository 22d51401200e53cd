"""An admission with policies of its own, before a limiter that is stood in for."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gateway.access import AccessList, Exempt
from gateway.admission import Admission, Decision, DecisionResult, DecisionUnavailableError, Policies
from gateway.contract.client_id import key_digest, unknown_client_id
from gateway.contract.clients import Clients
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import Overrides
from gateway.contract.policy_table import ClientPolicy, PolicyTable
from gateway.errors import StoreUnavailable
from gateway.http.fields import Field
from gateway.identity import Identity
from gateway.limiter.batch import PendingCheck, notify
from gateway.limiter.decision import Hit, WindowStatus
from gateway.limiter.limiter import Limiter, LimiterResult
from gateway.overrides import LiveOverrides
from gateway.policy.concurrency import InFlight
from gateway.policy.resolve import LimitTable
from gateway.policy.routing import Routing

TABLE = PolicyTable(
    parse_limits("10/s,500/m"),
    "accept",
    "local",
    {},
    {"acme": ClientPolicy(limit=parse_limits("5/m"))},
)


ANYBODY = unknown_client_id("any-key", "secret")


class Answers:
    """Says what it is told to, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Sequence[Hit]] = []
        self.refusing: set[str] = set()
        self.remembered: tuple[WindowStatus, ...] | None = None
        self.error: BaseException | None = None
        self.counts = True
        self.decides = True
        self.answers = True

    def check(self, hits: Sequence[Hit], on_result: Callable[[LimiterResult], None]) -> PendingCheck:
        self.asked.append(list(hits))
        if self.error is not None:
            raise self.error
        asked = PendingCheck(hits, 0.0, lambda _: on_result(self._statuses(hits)), result=())
        if self.answers:
            asyncio.get_running_loop().call_soon(notify, [asked])
        return asked

    def recall(self, _: Sequence[Hit]) -> tuple[WindowStatus, ...] | None:
        return self.remembered

    def _statuses(self, hits: Sequence[Hit]) -> LimiterResult:
        if not self.decides:
            return StoreUnavailable("away")
        if not self.counts:
            return None
        return tuple(WindowStatus(hit.key not in self.refusing, 1, 1.0) for hit in hits)


class Fixed(LiveOverrides):
    """Overrides that do not change."""

    def __init__(self, overrides: Overrides) -> None:
        self._fixed = overrides

    @property
    def current(self) -> Overrides:
        return self._fixed


class Asked(NamedTuple):
    """A request, as far as routes look at it."""

    method: str
    host: bytes
    target: bytes


class Desk:
    """An admission, and the policies that it decides by."""

    def __init__(self, policies: Policies, overrides: LiveOverrides, limiter: Limiter | Answers) -> None:
        self._policies = policies
        self.in_flight = InFlight()
        self._admission = Admission(overrides, limiter, self.in_flight)
        self.close = self._admission.close

    async def decide(
        self, method: str, host: bytes, target: bytes, headers: list[Field], peer: str
    ) -> Decision:
        decided: asyncio.Future[DecisionResult] = asyncio.get_running_loop().create_future()
        key = self._policies.identity.sent_key(headers)
        request = Asked(method, host, target)
        result = self._admission.check(self._policies, request, key, peer, decided.set_result)
        if isinstance(result, Decision):
            return result
        try:
            made = await decided
        except asyncio.CancelledError:
            result.cancel()
            raise
        if isinstance(made, DecisionUnavailableError):
            raise made
        return made


def admission(
    table: PolicyTable = TABLE,
    *,
    exempt: str = "",
    allow: str = "",
    deny: str = "",
    overrides: Overrides | None = None,
) -> tuple[Desk, Answers]:
    limiter = Answers()
    clients = Clients({}, table.clients, {key_digest("acme-key"): "acme"})
    policies = Policies(
        table,
        Identity(clients, accepts_unknown=True, secret="secret"),
        LimitTable(table),
        Routing(table),
        Exempt(exempt),
        AccessList(allow),
        AccessList(deny),
        {},
    )
    return Desk(policies, Fixed(overrides or Overrides()), limiter), limiter


def request(
    key: str | None = "acme-key",
    target: bytes = b"/",
    peer: str = "10.0.0.1",
    host: bytes = b"api.example",
    method: str = "GET",
) -> tuple[str, bytes, bytes, list[Field], str]:
    return method, host, target, [] if key is None else [(b"X-API-Key", key.encode())], peer
