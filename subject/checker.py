"""The Subject protocol's checker: what `observe` returned, as violations."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from subject.finding import instant


@dataclass(frozen=True, slots=True)
class InvariantViolation:
    """A finding in the protocol's terms: the name is its code, the times have a zone."""

    invariant_name: str
    message: str
    first_seen: datetime
    last_seen: datetime
    store_id: str | None  # the node or client; None: the cluster
    severity: str


class RateLimiterChecker:
    """Turns observations into violations, and remembers since when each is seen."""

    def __init__(self) -> None:
        self._first_seen: dict[tuple[str, str | None], datetime] = {}

    def check(self, observation: Mapping[str, Any]) -> list[InvariantViolation]:
        """The violations in what `observe` returned; empty when all is well.

        `first_seen` stays what it was when a violation was first met, and is forgotten with it.
        """
        violations = [self._violation(found) for found in observation.get("findings", [])]
        self._first_seen = {
            (violation.invariant_name, violation.store_id): violation.first_seen for violation in violations
        }
        return violations

    def _violation(self, found: Mapping[str, Any]) -> InvariantViolation:
        target = found["subject"]
        store_id = None if target["kind"] == "cluster" else target["id"]
        since = instant(found["since"])
        return InvariantViolation(
            invariant_name=found["code"],
            message=found["summary"],
            first_seen=self._first_seen.get((found["code"], store_id), since),
            last_seen=instant(found["at"]),
            store_id=store_id,
            severity=found["severity"],
        )
