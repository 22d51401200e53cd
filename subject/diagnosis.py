"""Puts findings in order, and says where one is plainly the cause of another."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from subject.detectors import ALL
from subject.detectors.observer import observer_blind
from subject.detectors.thresholds import Thresholds
from subject.finding import SEVERITIES, Finding, clock
from subject.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings, the most severe first."""

    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def blind(self) -> bool:
        """Whether the subject could not see."""
        return any(found.code == "observer_blind" for found in self.findings)


def diagnose(snapshot: Snapshot, thresholds: Thresholds) -> Diagnosis:
    """Run all detectors over a snapshot; where nothing can be seen, old series say nothing of now."""
    detectors = ALL if snapshot.sees else (observer_blind,)
    found = [finding for detector in detectors for finding in detector(snapshot, thresholds)]
    explained = [_explained(finding, found) for finding in found]
    # Sorting keeps the detectors' order between equals, which has causes before their effects.
    return Diagnosis(tuple(sorted(explained, key=lambda finding: SEVERITIES.index(finding.severity))))


def _explained(effect: Finding, others: list[Finding]) -> Finding:
    for cause_code, effect_code, related, text in _CAUSES:
        if effect.code != effect_code:
            continue
        for cause in others:
            if cause.code == cause_code and related(cause, effect):
                why = f"{text.format(cause=cause.subject.id, since=clock(cause.since))} ({cause_code})"
                return replace(effect, likely_cause=why)
    return effect


def _always(cause: Finding, effect: Finding) -> bool:
    del cause, effect
    return True


def _same_subject(cause: Finding, effect: Finding) -> bool:
    return cause.subject == effect.subject


def _same_time(cause: Finding, effect: Finding) -> bool:
    return abs(cause.since - effect.since) <= SAME_TIME_SECONDS


SAME_TIME_SECONDS = 10.0

_CAUSES: tuple[tuple[str, str, Callable[[Finding, Finding], bool], str], ...] = (
    ("store_down", "fallback_active", _always, "Redis does not answer since {since}"),
    ("store_slow", "fallback_active", _always, "Redis answers later than the node's deadline since {since}"),
    (
        "node_down",
        "node_skew",
        _same_time,
        "{cause} is down since {since}, and its share went to another node",
    ),
    ("spike_single", "retry_storm", _same_subject, "its own spike since {since}"),
    ("spike_single", "hot_key", _same_subject, "its own spike since {since}"),
    ("retry_storm", "hot_key", _same_subject, "its retries since {since}"),
    ("retry_storm", "limit_breach", _same_subject, "its retries since {since}"),
    ("spike_single", "limit_breach", _same_subject, "its own spike since {since}"),
    ("spike_single", "node_skew", _same_time, "{cause}'s spike since {since} comes in through this node"),
    ("spike_broad", "limit_breach", _same_time, "the spike of the whole cluster since {since}"),
)
"""Cause, effect, whether these two belong together, and how it is said. The first that fits is taken."""
