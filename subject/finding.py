"""A finding: what is wrong, with whom, since when, on what evidence, and what to do next."""

import math
import shlex
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a finding is about."""

    kind: Literal["node", "client", "cluster"]
    id: str


CLUSTER = Target("cluster", "cluster")
Identity = tuple[str, str, str]
"""The code, and whom it is about: by these a finding is the same at two moments."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One number that can be checked by hand, beside what it usually is or should be at most."""

    metric: str
    baseline: float | None
    now: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One anomaly. Times are seconds since 1970 by Redis' clock."""

    code: str
    severity: Severity
    since: float
    at: float
    subject: Target
    summary: str  # one sentence, without its full stop
    evidence: tuple[Evidence, ...]
    confidence: float  # 0…1, see `confidence`
    likely_cause: str = field(default="", kw_only=True)  # said when all findings are known: see `diagnosis`
    suggested_action: str  # a command
    verify_with: str  # another

    @property
    def identity(self) -> Identity:
        """What it is known by at another moment."""
        return self.code, self.subject.kind, self.subject.id


def as_json(finding: Finding) -> dict[str, Any]:
    """A finding as JSON shows it."""
    document = asdict(finding)
    document["evidence"] = list(document["evidence"])
    return document


def confidence(margin: float, held_seconds: float = 10.0) -> float:
    """How sure a measured finding is: how clearly its threshold is passed, and for how long.

    (1 − 0.5/margin) · (1 − 0.5^(held/2)), between 0.05 and 0.99, where `margin` is the measured value over
    its threshold. So 0.5 is "just over it, for long", 0.9 "five times over it, for ten seconds".
    """
    clear = 1 - 0.5 / max(margin, 1.0)
    lasting = 1 - math.pow(0.5, max(held_seconds, 1.0) / 2)
    return round(min(max(clear * lasting, 0.05), 0.99), 2)


def command(*words: str) -> str:
    """A line that a shell reads as these words, whatever others have put into them."""
    return shlex.join(words)
