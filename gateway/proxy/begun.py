"""What the fast lane has done of a request that it leaves to the other one."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.admission import Decision
from gateway.proxy.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Begun:
    """It has been decided about.

    at: when it came, in monotonic seconds. upstreams: those of the policies by which was decided.
    """

    request_id: str
    at: float
    decision: Decision
    upstreams: Mapping[str, Upstream]
