"""The one call that stands between a request and the upstream: identity → policy → limiter → decision."""

from dataclasses import dataclass

from gateway.contract import keys
from gateway.contract.policy_table import Policy, PolicyTable
from gateway.fields import RawHeaders
from gateway.identity import Identity
from gateway.limiter.charge import Charge
from gateway.limiter.decision import Standing
from gateway.limiter.limiter import Limiter
from gateway.overrides import LiveOverrides


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request may pass, and by which policy. `standing` is None where nobody counted."""

    client: str
    policy: Policy
    standing: Standing | None

    @property
    def admitted(self) -> bool:
        """Whether the request goes to the upstream."""
        return self.standing is None or self.standing.admitted


class Admission:
    """Decides about requests."""

    def __init__(
        self, identity: Identity, table: PolicyTable, overrides: LiveOverrides, limiter: Limiter
    ) -> None:
        self._identity = identity
        self._table = table
        self._overrides = overrides
        self._limiter = limiter

    async def decide(self, headers: RawHeaders) -> Decision:
        """Decide about a request with these header fields.

        Raises:
            Unidentified: it has no usable key.
            StoreUnavailable: Redis is away, and the settings let nobody pass without it.
        """
        client = self._identity.client_of(headers)
        overrides = self._overrides.current
        policy = self._table.policy_of(client, overrides)
        generation = overrides.generations.get(client, 0)
        key = keys.window(client, keys.CLIENT_SCOPE, policy.limit.period_seconds, generation)
        standings = await self._limiter.decide([Charge(key, policy.limit)])
        return Decision(client, policy, None if standings is None else standings[0])
