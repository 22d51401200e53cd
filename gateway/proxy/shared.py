"""What both lanes work with."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.admission import Admission
from gateway.decisions import Decision
from gateway.last_refusals import Kept, none_yet
from gateway.policies import Policies
from gateway.proxy.entrance import Entrance
from gateway.proxy.onward import Onward
from gateway.proxy.request_id import RequestIds
from gateway.proxy.stillness import TunnelLimits
from gateway.proxy.upstream import Upstreams
from gateway.replies import RateLimitHeaders
from gateway.telemetry.counters import Counters, Outcome


@dataclass(frozen=True, slots=True)
class ProxyOptions:
    """What the settings say about forwarding."""

    entrance: Entrance
    onward: Onward
    upstream_timeout_seconds: float
    request_seconds: float | None
    """For each request from its admission to the answer's end; None is any time. A tunnel is no request."""
    tunnel_limits: TunnelLimits
    ratelimit_headers: RateLimitHeaders


@dataclass(slots=True)
class Shared:
    """The policies in force, which a reload replaces, and the parts that requests go through."""

    policies: Policies
    admission: Admission
    upstreams: Upstreams
    counters: Counters
    options: ProxyOptions
    is_draining: Callable[[], bool]
    ids: RequestIds
    refusals: deque[Kept] = field(default_factory=none_yet)

    def left(self, decision: Decision) -> Outcome:
        """Count a request whose client left when it was decided, before anything came of that."""
        outcome = Outcome.ADMITTED if decision.admitted else Outcome.REFUSED
        self.counters.count(outcome)
        if decision.client is not None:
            self.counters.clients.count(decision.client, refused=not decision.admitted)
        self.counters.shadow_refused += decision.in_shadow
        self.admission.close(decision)
        return outcome
