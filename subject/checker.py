"""The Subject protocol's checker: what `observe` returned, as violations."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from subject.diagnosis.events import BLIND, sees_little
from subject.diagnosis.links import LINKS
from subject.figures import instant
from subject.observed import Key, Problem, Seen, problems_of, rank

SETTLING_SECONDS = 5.0
"""What may come from something else is told when it has lasted for so long: its cause is found by then."""
AFTERMATH_SECONDS = 20.0
"""What a problem has brought may outlast it by so long; after that it is a problem of its own."""
LATE_CAUSES = frozenset({"node_down", "config_drift"})
"""What has a cause that shows long before it, or long after: to wait for that is of no use."""
EFFECTS = frozenset(link.effect for link in LINKS) - LATE_CAUSES
SEEN_IN_REDIS = frozenset({"override_malformed", "store_evicting"})
"""Codes of which nothing is known while Redis is away."""


@dataclass(frozen=True, slots=True)
class InvariantViolation:
    """A problem in the protocol's terms: the name is its finding's code, the times have a zone."""

    invariant_name: str
    message: str
    first_seen: datetime
    last_seen: datetime
    store_id: str | None  # the node or client; None: the cluster
    severity: str

    @property
    def key(self) -> Key:
        """What a ticket is kept under."""
        return self.invariant_name, self.store_id


@dataclass(frozen=True, slots=True)
class _Open:
    """A violation that is told, and when each finding was last part of its problem."""

    violation: InvariantViolation
    of_it: Mapping[Key, float]

    def has(self, key: Key, at: float) -> bool:
        """Whether a finding is part of it, or was a moment ago, be it the cluster's or of one in it."""
        return any(
            _is_same(key, other) and at - then <= AFTERMATH_SECONDS for other, then in self.of_it.items()
        )


class RateLimiterChecker:
    """Turns observations into violations, and remembers which are told: one for each problem.

    It is made for a loop that observes and checks every few seconds, keeps a ticket for each pair of
    `invariant_name` and `store_id`, and closes those that are gone. So a name stays as long as its problem:

    - What comes from something else is no violation of its own: the message of its cause names it. Since it
      may show before its cause does, what can come from something else is told after `SETTLING_SECONDS`;
      where its cause shows later than that, it keeps its name, unless the cause is more severe.
    - What is left of a problem whose cause is over belongs to it, for `AFTERMATH_SECONDS` at most.
    - Nothing ends because it cannot be seen: while the subject is blind, and for some seconds after, all
      stays that was told, and nothing else is new; while Redis is away, what can be seen only there.
    - What is for information only is no violation.
    """

    def __init__(self) -> None:
        self._open: dict[Key, _Open] = {}
        self._met: dict[Key, float] = {}
        self._blind_at: float | None = None

    def check(self, observation: Mapping[str, Any]) -> list[InvariantViolation]:
        """The violations in what `observe` returned; empty when all is well.

        `first_seen` stays what it was when a violation was first told, and is forgotten with it. Where there
        are no `problems` in the observation, each of its findings is one.
        """
        problems = list(problems_of(observation))
        found = {key: seen for problem in problems for key, seen in problem.all.items()}
        at = float(observation.get("at") or max((seen.at for seen in found.values()), default=0.0))
        self._met = {key: self._met.get(key, at) for key in found}
        if any(code == BLIND for code, _ in found):
            self._blind_at = at
        told: dict[Key, _Open] = {}
        rest = {key for key, seen in found.items() if seen.severity != "info"}
        for problem in problems:
            key = self._name(problem)
            if key in self._open or self._is_to_be_told(problem, at, waits="problems" in observation):
                told[key] = self._told(problem, key, at)
                rest.difference_update(problem.all)
        for key, one in self._open.items():
            if key not in found and self._stays(key, one, observation, rest, at):
                told[key] = one
        self._open = told
        return [one.violation for one in told.values()]

    def _name(self, problem: Problem) -> Key:
        """The cause's, unless the problem is told under that of a symptom, and is no worse than it was."""
        cause = problem.cause
        named = [one.violation for key, one in self._open.items() if key in problem.all]
        first = min(named, key=lambda violation: violation.first_seen, default=None)
        if first is None or cause.key in self._open or rank(cause.severity) < rank(first.severity):
            return cause.key
        return first.key

    def _is_to_be_told(self, problem: Problem, at: float, *, waits: bool) -> bool:
        """Whether it is one that nothing explains, nor will in a moment, nor did until a moment ago."""
        cause = problem.cause
        if problem.severity == "info":
            return False
        if not waits:
            return True
        if self._sees_too_little(at) and cause.key[0] != BLIND:
            return False
        held = at - min(cause.since, self._met[cause.key])
        is_settled = cause.key[0] not in EFFECTS or held >= SETTLING_SECONDS
        return is_settled and not any(one.has(cause.key, at) for one in self._open.values())

    def _told(self, problem: Problem, key: Key, at: float) -> _Open:
        named, before = problem.all[key], self._open.get(key)
        violation = InvariantViolation(
            invariant_name=key[0],
            message=_message(problem, named),
            first_seen=instant(named.since) if before is None else before.violation.first_seen,
            last_seen=instant(named.at),
            store_id=key[1],
            severity=problem.severity,
        )
        lately = (
            {}
            if before is None
            else {other: then for other, then in before.of_it.items() if before.has(other, at)}
        )
        return _Open(violation, {**lately, **dict.fromkeys(problem.all, at)})

    def _stays(
        self,
        key: Key,
        one: _Open,
        observation: Mapping[str, Any],
        rest: Iterable[Key],
        at: float,
    ) -> bool:
        """Whether a violation is not over though its own finding is not there."""
        is_away = observation.get("redis_connected") is False
        return (
            self._sees_too_little(at)
            or (is_away and key[0] in SEEN_IN_REDIS)
            or any(one.has(other, at) for other in rest)
        )

    def _sees_too_little(self, at: float) -> bool:
        return sees_little(at, self._blind_at)


def _message(problem: Problem, named: Seen) -> str:
    others = [seen for seen in problem.symptoms if seen is not named]
    text = named.summary
    if named is not problem.cause:
        text += f"; it comes from {problem.cause}: {problem.cause.summary}"
    if others:
        text += f"; with it: {', '.join(str(seen) for seen in others)}"
    return text


def _is_same(key: Key, other: Key) -> bool:
    """What all nodes do is told of the cluster, and of a node again where the others have ended it."""
    return key == other or (key[0] == other[0] and None in (key[1], other[1]))
