"""What stands in clients' windows, what is left, and when there is room: by a window's hash in Redis."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.contract import keys, window
from subject.cluster.policies import NamedWindow

MOST_DIGITS = 16
"""Of a counter; no client has sent so much, and the sum of a window fits 64 bits."""


@dataclass(frozen=True, slots=True)
class ClientWindow:
    """What stands in one of a client's windows now: `count` of `limit` units.

    `name` is the window's, as `gateway.contract.policy_table.window_names` has it. `room_at` is when one more
    unit fits in if none is taken until then, by Redis' clock; None: at once.
    """

    client: str
    name: str
    count: int
    limit: int
    period_seconds: int
    room_at: float | None = None

    @property
    def remaining(self) -> int:
        """Units that are left."""
        return max(0, self.limit - self.count)

    @property
    def is_of_a_route(self) -> bool:
        """Whether it is a route's, and no part of the client's own limit."""
        return self.name.startswith(keys.route_scope(""))


def client_window(client: str, of: NamedWindow, fields: Mapping[str, str], at: float) -> ClientWindow:
    """By the fields of the window's hash, as they stood at `at` by Redis' clock."""
    quota, period_seconds = of.limit.quota, of.limit.period_seconds
    counted = counted_in(fields, at, period_seconds)
    count = sum(counted.values())
    return ClientWindow(
        client=client,
        name=of.name,
        count=count,
        limit=quota,
        period_seconds=period_seconds,
        room_at=None if count < quota else room_from(counted, quota, period_seconds),
    )


def counted_in(fields: Mapping[str, str], at: float, period_seconds: int) -> dict[int, int]:
    """The units by sub-interval in a window hash that a decision at `at` would count."""
    counters = {}
    for number, count in fields.items():
        if len(count) <= MOST_DIGITS:
            try:
                counters[int(number)] = int(count)
            except ValueError:
                continue
    return window.counted(counters, round(at * window.MICROSECONDS), period_seconds)


def room_from(counted: Mapping[int, int], quota: int, period_seconds: int) -> float:
    """When so much of a full window has left it that one more unit fits, in seconds since 1970."""
    surplus = sum(counted.values()) - quota + 1
    for number in sorted(counted):
        surplus -= counted[number]
        if surplus <= 0:
            break
    return window.leaves_at(number, period_seconds) / window.MICROSECONDS


def tightest(windows: Iterable[ClientWindow]) -> ClientWindow | None:
    """Of a client's own windows the one with the least left."""
    own = (one for one in windows if not one.is_of_a_route)
    return min(own, key=lambda one: one.remaining, default=None)


def fullest(windows: Iterable[ClientWindow]) -> ClientWindow | None:
    """Of a client's own windows the one of which the largest part is used up."""
    own = (one for one in windows if not one.is_of_a_route)
    return max(own, key=lambda one: one.count / one.limit, default=None)
