"""What both lanes work with."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.admission import Admission
from gateway.policies import Policies
from gateway.proxy.entrance import Entrance
from gateway.proxy.onward import Onward
from gateway.proxy.stillness import TunnelLimits
from gateway.proxy.upstream import Upstreams
from gateway.replies import RateLimitHeaders
from gateway.telemetry.counters import Counters


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
