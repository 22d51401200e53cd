"""Whether clients are refused before they have had what they may: decided without IO."""

from collections.abc import Iterable, Mapping

from gateway.contract.limits import Limit
from loadtest.passages import Busiest, Passage, by_key, most_in_window, nearest

LEAST_RATIO = 0.9
"""Of its limit, that some client must have had where any is refused: to be exact costs less than the rest."""


def refused_early(
    passages: Iterable[Passage], limit_by_key: Mapping[str, Limit], refused: int
) -> tuple[str, ...]:
    """That requests were refused though no client had what it may have, if it is so."""
    fullest = nearest(
        Busiest(key, most_in_window(of_key, limit_by_key[key].period_seconds), limit_by_key[key])
        for key, of_key in by_key(passages, limit_by_key).items()
    )
    if not refused or fullest is None or fullest.ratio >= LEAST_RATIO:
        return ()
    return (
        f"{refused:,} requests were refused, though no client can have got more than {fullest.largest:,} "
        f"through in any {fullest.limit.period_seconds} s: {fullest.limit}",
    )
