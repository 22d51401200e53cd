"""Which live limits a client had, one after the other: by the audit, and by what stands in Redis."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

from gateway.contract.audit import AuditRecord
from gateway.contract.limits import Limits, parse_limits
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
            return f"{self.by} took its live limit of {self.before} back{why}"
        return f"its live limit of {self.before} came to its end"


def live_limits(policies: Policies, client: str) -> tuple[LiveLimit, ...]:
    """The oldest first, as far as they are known: the first one since ever, unless it is not known."""
    records = list(_records(policies, client))
    if not records:
        return (LiveLimit(-inf, None),)
    return tuple(_one_after_the_other(records))


def _records(policies: Policies, client: str) -> Iterator[AuditRecord]:
    """What was done to its live limit; also what somebody did who writes no audit, or before it was read."""
    stands = policies.overrides.limits.get(client) or policies.ended.get(client)
    audit = policies.changes or ()
    told = [
        one
        for one in audit
        if one.client == client and (one.action == "unset" or (one.action == "set" and _read(one.after)[1]))
    ]
    if stands is None and told and told[-1].action == "set":
        return  # somebody has taken it out who writes no audit, and nobody knows when
    yield from told
    if stands is not None and (not told or told[-1].at < stands.at):
        limit, why = str(stands.limit), stands.why
        yield AuditRecord(stands.at, stands.by, "set", client, UNREADABLE, limit, why, stands.until)


def _one_after_the_other(records: Sequence[AuditRecord]) -> Iterator[LiveLimit]:
    before, is_known = _read(records[0].before)
    if is_known:
        yield LiveLimit(-inf, before)
    for record, following in zip(records, [*records[1:], None], strict=True):
        limit, _ = _read(record.after)
        yield LiveLimit(record.at, limit, before, record.by, record.why or "")
        before = limit
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
