"""What the fast lane has done of a request that it leaves to the other one."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.decisions import Decision
from gateway.proxy.upstream import Upstream
from gateway.proxy.upstream_address import UpstreamAddress


@dataclass(frozen=True, slots=True)
class Tried:
    """It went to an address at monotonic `at`, over a kept connection that was closed just then."""

    address: UpstreamAddress
    at: float


@dataclass(frozen=True, slots=True)
class Begun:
    """It has been decided about.

    at: when it came, in monotonic seconds. store_seconds: how long it waited to be decided about; None where
    nothing had to be asked. upstreams: those of the policies by which was decided.
    """

    request_id: str
    at: float
    decision: Decision
    store_seconds: float | None
    upstreams: Mapping[str, Upstream]
    tried: Tried | None = None
