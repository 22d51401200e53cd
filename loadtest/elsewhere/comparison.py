"""What senders saw of their requests, held against what nodes counted."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.contract.records import Totals
from loadtest.counts import Counts

OUTCOMES = ("admitted", "refused", "failed", "unidentified")


@dataclass(frozen=True, slots=True)
class Compared:
    """What senders saw beside what nodes counted: sentences on what is wrong, on what nobody can tell, and on
    what comes of others."""

    are_equal: bool = False
    problems: tuple[str, ...] = ()
    open_questions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def compared(
    seen: Mapping[str, Counts], now: Mapping[str, Totals], *, lost: Mapping[str, str], has_others: bool
) -> Compared:
    """What differs: others only add to what a node counts, and a node that dies loses some of it."""
    fewer = _too_few(seen, now)
    extra = _extra(seen, now)
    return Compared(
        problems=tuple(text for node_id, text in fewer.items() if node_id not in lost),
        open_questions=(
            *(f"{text}; {lost[node_id]} meanwhile" for node_id, text in fewer.items() if node_id in lost),
            *([_told_extra(seen, extra)] if extra > 0 and not has_others else []),
        ),
        notes=(_told_others(seen, extra),) if extra > 0 and has_others else (),
    )


def are_equal(seen: Mapping[str, Counts], now: Mapping[str, Totals]) -> bool:
    """Whether nodes counted of each outcome what senders saw."""
    return all(
        getattr(now.get(node_id, Totals()), name) == getattr(counts.as_totals(), name)
        for node_id, counts in seen.items()
        for name in OUTCOMES
    )


def _too_few(seen: Mapping[str, Counts], now: Mapping[str, Totals]) -> dict[str, str]:
    """Where a node counted less than its senders saw, a sentence on it."""

    def check(node_id: str, counts: Counts) -> str | None:
        mine, all_together = counts.as_totals(), now.get(node_id, Totals())
        for name in OUTCOMES:
            ours, counted = getattr(mine, name), getattr(all_together, name)
            if counted < ours:
                return f"{node_id} counted {counted:,} requests as {name}, and the senders alone saw {ours:,}"
        return None

    checked = {node_id: check(node_id, counts) for node_id, counts in seen.items()}
    return {node_id: text for node_id, text in checked.items() if text is not None}


def _ours(seen: Mapping[str, Counts]) -> int:
    return sum(counts.as_totals().requests for counts in seen.values())


def _extra(seen: Mapping[str, Counts], now: Mapping[str, Totals]) -> int:
    """How many more requests were counted than sent, of each outcome where there are more of it."""
    return sum(
        max(0, getattr(now.get(node_id, Totals()), name) - getattr(counts.as_totals(), name))
        for node_id, counts in seen.items()
        for name in OUTCOMES
    )


def _told_others(seen: Mapping[str, Counts], extra: int) -> str:
    return (
        f"whether nodes counted each request once: {extra:,} requests were not ours, beside {_ours(seen):,} "
        "of ours"
    )


def _told_extra(seen: Mapping[str, Counts], extra: int) -> str:
    return (
        f"nodes counted {extra:,} requests more than the {_ours(seen):,} of ours, and nobody else was seen "
        "sending before or after: somebody did meanwhile, or nodes count too many"
    )
