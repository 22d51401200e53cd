"""Which finding explains which: those that share a cause belong together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from subject.cluster.snapshot import Snapshot
from subject.diagnosis.links import LINKS, Link
from subject.figures import clock
from subject.finding import Finding


@dataclass(frozen=True, slots=True)
class Explained:
    """A finding that comes from another one; `place` is that one's."""

    place: int
    text: str


def explained(snapshot: Snapshot, found: Sequence[Finding]) -> dict[int, Explained]:
    """By place, the findings that come from others: the first link that fits, to the nearest in time.

    Chains are allowed, circles are not: of two that may explain each other, the one that is asked first does.
    """
    links: dict[int, Explained] = {}
    by_code: dict[str, list[int]] = {}
    for place, finding in enumerate(found):
        by_code.setdefault(finding.code, []).append(place)
    for place, effect in enumerate(found):
        for link in LINKS:
            if link.effect != effect.code:
                continue
            causes = [
                other
                for other in by_code.get(link.cause, ())
                if other != place
                and link.related(snapshot, found[other], effect)
                and root(other, links) != place
            ]
            if causes:
                nearest = min(causes, key=lambda other: abs(found[other].since - effect.since))
                links[place] = Explained(nearest, _told(link, found[nearest]))
                break
    return links


def root(place: int, links: Mapping[int, Explained]) -> int:
    """Where the chain of causes begins."""
    while place in links:
        place = links[place].place
    return place


def _told(link: Link, cause: Finding) -> str:
    return f"{link.text.format(cause=cause.subject.id, since=clock(cause.since))} ({cause.code})"
