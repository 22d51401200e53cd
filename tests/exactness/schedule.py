"""When which client sends a request to which node, made beforehand: nothing waits for an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Shot:
    """One request: `at` seconds after the start, by the client with this key, to the node with this index."""

    at: float
    key: str
    node: int


def poisson(key: str, per_second: float, seconds: float, nodes: Sequence[int], random: Random) -> list[Shot]:
    """Requests that know nothing of each other, each to a node drawn evenly; of a Poisson process, a course
    with exactly as many as it has on average.
    """
    times = sorted(random.uniform(0, seconds) for _ in range(round(per_second * seconds)))
    return [Shot(at, key, random.choice(nodes)) for at in times]


def even(key: str, per_second: float, seconds: float, nodes: Sequence[int], start: float = 0.0) -> list[Shot]:
    """A request each 1/`per_second`, to the nodes in turn."""
    count = int(seconds * per_second)
    return [Shot(start + i / per_second, key, nodes[i % len(nodes)]) for i in range(count)]


def together(*parts: Sequence[Shot]) -> list[Shot]:
    """All of them in the order of their times."""
    return sorted((shot for part in parts for shot in part), key=lambda shot: shot.at)
