"""Who is admitted, and what that leaves. No IO and no clock; times are Redis microseconds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.contract import window
from gateway.contract.window import MICROSECONDS
from gateway.limiter.charge import Charge
from gateway.limiter.view import View


@dataclass(frozen=True, slots=True)
class Standing:
    """How one window decided about a request, and what it leaves.

    `wait_seconds` is the time until the window has room for a request that it refused, or else until more
    than `remaining` comes free, if nobody takes anything meanwhile.
    """

    admitted: bool
    remaining: int
    wait_seconds: float


def timely(stamp: int, period_seconds: int, executed: Iterable[int]) -> bool:
    """Whether Redis worked on the batch within E of `stamp`; else no admission by it counts."""
    tolerance = window.stamp_tolerance(period_seconds)
    return all(abs(moment - stamp) <= tolerance for moment in executed)


def admits(charges: Sequence[Charge], standings: Sequence[Standing]) -> bool:
    """Whether a request with these charges passes: no window refuses it but those in shadow."""
    return all(
        standing.admitted or charge.shadow for charge, standing in zip(charges, standings, strict=True)
    )


def decide(charges: Sequence[Charge], views: Sequence[View], stamp: int) -> tuple[Standing, ...]:
    """Decide about one request, and let its views have the units that it takes: all, or none.

    `views` are those of the charges' windows and hold what stands before this request. A window in shadow
    that is full takes nothing of a request that passes.
    """
    fits = [
        view.total(stamp) + charge.cost <= charge.limit.quota
        for charge, view in zip(charges, views, strict=True)
    ]
    if all(fit or charge.shadow for fit, charge in zip(fits, charges, strict=True)):
        for charge, view, fit in zip(charges, views, fits, strict=True):
            if fit:
                view.add(charge.cost)
    return tuple(
        _standing(charge, view, stamp, fits=fit)
        for charge, view, fit in zip(charges, views, fits, strict=True)
    )


def _standing(charge: Charge, view: View, stamp: int, *, fits: bool) -> Standing:
    total = view.total(stamp)
    surplus = max(1, total - charge.limit.quota + (1 if fits else charge.cost))
    wait = view.leaves_at(stamp, surplus) - stamp
    return Standing(fits, max(0, charge.limit.quota - total), wait / MICROSECONDS)


def stray(fields: Iterable[int], stamp: int, period_seconds: int) -> tuple[list[int], list[int]]:
    """The fields that no node counts any more, and those that only a broken clock can have written."""
    kept = window.oldest_kept(stamp, period_seconds)
    newest = window.newest_counted(stamp, period_seconds)
    return [i for i in fields if i < kept], [i for i in fields if i > newest]
