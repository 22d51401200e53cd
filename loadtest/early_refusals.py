"""Whether clients are refused before they have had what they may: decided without IO."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping

from gateway.contract.limits import Limit
from loadtest.verdict import Busiest, Passage, by_key

LEAST_RATIO = 0.9
"""Of its limit, that some client must have had where any is refused: to be exact costs less than the rest."""


def refused_early(
    passages: Iterable[Passage], limit_by_key: Mapping[str, Limit], refused: int
) -> tuple[str, ...]:
    """That requests were refused though no client had what it may have, if it is so."""
    could = [
        Busiest(key, most_in_window(of_key, limit_by_key[key].period_seconds), limit_by_key[key])
        for key, of_key in by_key(passages, limit_by_key).items()
    ]
    fullest = max(could, key=_fullness)
    if not refused or _fullness(fullest) >= LEAST_RATIO:
        return ()
    return (
        f"{refused:,} requests were refused, though no client can have got more than {fullest.largest:,} "
        f"through in any {fullest.limit.period_seconds} s: {fullest.limit}",
    )


def most_in_window(passages: Iterable[Passage], period_seconds: float) -> int:
    """The most requests that Redis can have counted within one window of the period: all that were sent
    before its end and arrived after its start."""
    listed = list(passages)
    begins = sorted(passage.sent - period_seconds for passage in listed)
    ends = sorted(passage.at for passage in listed)
    return max((number - bisect_left(ends, at) for number, at in enumerate(begins, 1)), default=0)


def _fullness(client: Busiest) -> float:
    return client.largest / client.limit.quota
