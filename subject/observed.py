"""What `RateLimiterSubject.observe` returned, as values: its findings, and which of them belong together."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from subject.finding import SEVERITIES

Key = tuple[str, str | None]
"""The code, and the node or client that it is about; None: the cluster."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One finding of an observation."""

    key: Key
    summary: str
    since: float
    at: float
    severity: str

    def __str__(self) -> str:
        code, whom = self.key
        return code if whom is None else f"{code} ({whom})"


@dataclass(frozen=True, slots=True)
class Problem:
    """The finding from which the others come, and these."""

    cause: Seen
    symptoms: tuple[Seen, ...]

    @property
    def all(self) -> dict[Key, Seen]:
        """By their keys, the cause before a symptom of the same."""
        return {one.key: one for one in (*reversed(self.symptoms), self.cause)}

    @property
    def severity(self) -> str:
        """That of its worst finding."""
        return min((one.severity for one in self.all.values()), key=rank)


def problems_of(observation: Mapping[str, Any]) -> Iterator[Problem]:
    """Those of an observation, or its findings one by one."""
    findings = {seen.key: seen for seen in map(_seen, observation.get("findings", []))}
    if "problems" not in observation:
        yield from (Problem(seen, ()) for seen in findings.values())
        return
    for problem in observation["problems"]:
        cause = findings.get(_key(problem))
        if cause is not None:
            yield Problem(cause, tuple(_known(findings, problem.get("symptoms", []))))


def _known(findings: Mapping[Key, Seen], named: Iterable[Mapping[str, Any]]) -> Iterator[Seen]:
    return (findings[key] for key in map(_key, named) if key in findings)


def _seen(found: Mapping[str, Any]) -> Seen:
    return Seen(_key(found), found["summary"], found["since"], found["at"], found["severity"])


def _key(found: Mapping[str, Any]) -> Key:
    target = found["subject"]
    return found["code"], None if target["kind"] == "cluster" else target["id"]


def rank(severity: str) -> int:
    """0 is the most severe; what is unknown comes last."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
