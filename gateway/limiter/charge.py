"""What one request takes from one window."""

from dataclasses import dataclass

from gateway.contract.limits import Limit


@dataclass(frozen=True, slots=True)
class Charge:
    """`cost` units of the window in Redis under `key`, if `limit` allows.

    A request has one charge for each window of each of its policies. All must admit it, but for those in
    `shadow`, which count and tell, and refuse nobody.
    """

    key: str
    limit: Limit
    cost: int = 1
    shadow: bool = False
