"""Which live limits a client had, one after the other: by the audit, and by what stands in Redis."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

from gateway.contract.limits import Limits, parse_limits
from gateway.contract.records import AuditRecord
from subject.cluster.live_changes import ENDED, UNREADABLE
from subject.cluster.policies import Policies

FELT_SECONDS = 1.0
"""A change is in force everywhere so soon: what begins by it may be found in the second that it is in."""


@dataclass(frozen=True, slots=True)
class LiveLimit:
    """What a client has from `since` on, and what it had `before`; None: no live limit, but its usual one.

    `by` is empty where the one before came to its end by itself, and where nothing is known to have changed.
    """

    since: float
    limit: Limits | None
    before: Limits | None = None
    by: str = ""
    why: str = ""

    @property
    def told(self) -> str:
        """What was done, in words that begin a sentence."""
        why = f" ({self.why})" if self.why else ""
        if self.limit is not None:
            return f"{self.by} gave it {self.limit}{why}"
        if self.by:
            which = "" if self.before is None else f" of {self.before}"  # it could not be read
            return f"{self.by} took its live limit{which} back{why}"
        return f"its live limit of {self.before} came to its end"


def live_limits(policies: Policies, client: str) -> tuple[LiveLimit, ...]:
    """The oldest first, as far as they are known: the first one since ever, unless it is not known; none
    where somebody has taken one out who writes no audit, since nobody knows when."""
    stands = policies.overrides.limits.get(client) or policies.ended.get(client)
    records = list(_audited(policies, client))
    if stands is None and records and records[-1].action == "set":
        return ()
    if stands is not None and (not records or records[-1].at < stands.at):
        # By somebody who writes no audit, or from before what was read of it.
        limit, why = str(stands.limit), stands.why
        records.append(AuditRecord(stands.at, stands.by, "set", client, UNREADABLE, limit, why, stands.until))
    return tuple(_one_after_the_other(records)) if records else (LiveLimit(-inf, None),)


def _audited(policies: Policies, client: str) -> Iterator[AuditRecord]:
    """What the audit has of its live limit."""
    for one in policies.changes or ():
        is_read = one.action == "unset" or (one.action == "set" and _read(one.after)[1])
        if one.client == client and is_read:
            yield one


def _one_after_the_other(records: Sequence[AuditRecord]) -> Iterator[LiveLimit]:
    before, is_known = _read(records[0].before)
    if is_known:
        yield LiveLimit(-inf, before)
    for record, following in zip(records, [*records[1:], None], strict=True):
        limit, _ = _read(record.after)
        if limit is not None or before is not None or not is_known:  # else what was over is taken out
            yield LiveLimit(record.at, limit, before, record.by, record.why or "")
        before, is_known = limit, True
        next_at = inf if following is None else following.at
        if limit is not None and record.until is not None and record.until < next_at:
            yield LiveLimit(record.until, None, limit)
            before = None


def _read(text: str | None) -> tuple[Limits | None, bool]:
    """A limit as the audit has it, and whether it says what it was."""
    if text is None or text.endswith(ENDED):
        return None, True
    try:
        return parse_limits(text), True
    except ValueError:
        return None, False
