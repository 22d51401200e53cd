"""What could have been admitted at best: a log of timestamps that knows everything at once."""

from collections import deque
from collections.abc import Iterable

from gateway.contract.limits import Limit
from tests.model.world import MICROSECONDS


def admissible(moments: Iterable[int], limit: Limit) -> int:
    """How many of the requests at these microseconds, in order, pass one by one."""
    standing: deque[int] = deque()
    admitted = 0
    for moment in moments:
        while standing and standing[0] <= moment - limit.period_seconds * MICROSECONDS:
            standing.popleft()
        if len(standing) < limit.quota:
            standing.append(moment)
            admitted += 1
    return admitted
