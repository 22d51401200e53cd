"""The last requests that were refused for a limit, by their ids: for whoever asks about one of them.

What is kept on the hot path is what is there anyway; it is put into words when somebody asks.
"""

from collections import deque
from collections.abc import Callable

from gateway.admission import Decision
from gateway.contract.limits import Limits
from gateway.contract.records import MAX_REFUSALS, Refusal, RefusedBy

Kept = tuple[str, Decision, float]
"""A request's id, its decision, and when it came, by the monotonic clock."""
HANDED_OVER = 100
"""So many of a quarter of a second one of several processes tells."""


def none_yet() -> deque[Kept]:
    """Where they are put, the newest last."""
    return deque(maxlen=MAX_REFUSALS)


def find(kept: deque[Kept], request_id: str, redis_time: Callable[[float], float]) -> Refusal | None:
    """One of them; `redis_time` tells Redis' time in seconds since 1970 of a monotonic one."""
    for one in reversed(kept):
        if one[0] == request_id:
            return refusal(one, redis_time)
    return None


def take(kept: deque[Kept], redis_time: Callable[[float], float]) -> tuple[Refusal, ...]:
    """The last `HANDED_OVER`; none is kept any more."""
    taken = list(kept)[-HANDED_OVER:]
    kept.clear()
    return tuple(refusal(one, redis_time) for one in taken)


def refusal(kept: Kept, redis_time: Callable[[float], float]) -> Refusal:
    """What can be told of it."""
    request_id, decision, at = kept
    by = tuple(
        RefusedBy(
            meter.name, Limits((meter.limit,)), status.remaining, round(max(0.0, status.wait_seconds), 3)
        )
        for meter, status in zip(decision.windows, decision.statuses or (), strict=False)
        if not (status.admitted or meter.shadow)
    )
    concurrency = decision.concurrency
    full = concurrency is not None and not (concurrency.admitted or concurrency.shadow)
    return Refusal(
        request_id,
        round(redis_time(at), 3),
        decision.client or "",
        decision.cost,
        by,
        concurrency.limit if concurrency is not None and full else None,
    )
