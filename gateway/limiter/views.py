"""The views of the clients that were active last, bounded in number."""

from collections import OrderedDict
from collections.abc import Sequence

from gateway.limiter.charge import Charge
from gateway.limiter.decision import Standing
from gateway.limiter.moment import Moment, Moments
from gateway.limiter.reading import Reading, Readings
from gateway.limiter.view import View

MAX_VIEWS = 20_000
"""Some 500 bytes each, and 8 for each of up to 75 sub-intervals: 22 MB at the most."""


class Views:
    """The longest unused view is forgotten first."""

    def __init__(self) -> None:
        self.moments = Moments()
        self.readings = Readings()
        self._by_key: OrderedDict[str, View] = OrderedDict()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._by_key)

    def get(self, key: str) -> View | None:
        """The view of a window, if it is known."""
        return self._by_key.get(key)

    def read(self, key: str, moment: Moment, reading: Reading, own: int, read_at: float) -> View:
        """Take over a whole hash that was asked for at monotonic `read_at`: see `View.read`."""
        by_key = self._by_key
        view = by_key.get(key)
        if view is None:
            view = by_key[key] = View(key, moment.period_seconds)
        else:
            by_key.move_to_end(key)
        view.read(reading, moment, own, read_at)
        if len(by_key) > MAX_VIEWS:
            by_key.popitem(last=False)
        return view

    def expire(self, key: str, now: float) -> None:
        """Have the next decision about a window made by Redis, from a hash that is asked for from now on."""
        if (view := self._by_key.get(key)) is not None:
            view.expire(now)

    def expire_all(self, now: float) -> None:
        """The same for all windows: Redis may be another one now."""
        for view in self._by_key.values():
            view.expire(now)

    def refusal(self, charges: Sequence[Charge], now: float) -> tuple[Standing, ...] | None:
        """The refusal of such a request, where a window has just refused one that asked for no more."""
        if len(charges) == 1:  # nearly always, and nearly never refused
            (charge,) = charges
            view = self._by_key.get(charge.key)
            if view is None or now >= view.denied_until:
                return None
            if charge.cost == 1 and not charge.shadow and view.denies(charge.limit.quota, 1, now):
                return (Standing(False, 0, view.frees_in(now)),)  # where one does not fit, nothing is left
        views = [self._by_key.get(charge.key) for charge in charges]
        if not any(
            view is not None and not charge.shadow and view.denies(charge.limit.quota, charge.cost, now)
            for charge, view in zip(charges, views, strict=True)
        ):
            return None
        return tuple(_standing(charge, view, now) for charge, view in zip(charges, views, strict=True))


def _standing(charge: Charge, view: View | None, now: float) -> Standing:
    """As far as this node remembers the window."""
    if view is None:
        return Standing(True, charge.limit.quota, 0.0)
    remaining = max(0, charge.limit.quota - view.last_total)
    denied = view.denies(charge.limit.quota, charge.cost, now)
    return Standing(not denied, remaining, view.frees_in(now) if denied else 0.0)
