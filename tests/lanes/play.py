"""A round at both nodes: what differs."""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.lanes.generator.case import Case, Round
from tests.lanes.loop import EndlessTurningError
from tests.lanes.node import Node
from tests.lanes.record import differences
from tests.lanes.rules import LANES, normalized

_LONG = re.compile(r"(([a-zA-Z])\2{20})\2+")


@dataclass(frozen=True, slots=True)
class Difference:
    """The first of a round."""

    round: Round
    place: int
    case: Case
    found: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"round {self.round.seed}, case {self.place}: {self.round.configuration}"]
        lines += [f"  peers {self.case.peers}"]
        lines += [f"  {step}" for step in self.case.steps]
        lines += [f"  {decision}" for decision in self.case.decisions]
        lines += [f"  {behaviour}" for behaviour in self.case.behaviours]
        lines = [_LONG.sub(r"\1…", line) for line in lines]
        return "\n".join([*lines, *(f"  {sentence}" for sentence in self.found)])


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a round: requests by the way that they went in the node with a fast lane."""

    cases: int
    fast_cases: int
    served_fast: int
    difference: Difference | None


def play(given: Round) -> Played:
    """Until something differs."""
    with tempfile.TemporaryDirectory() as folder:
        fast = Node(given.configuration, Path(folder), fast_lane=True)
        other = Node(given.configuration, Path(folder), fast_lane=False)
        fast_cases = 0
        difference = None
        place = -1
        for place, case in enumerate(given.cases):
            before = fast.loop.served_fast
            try:
                seen = [normalized(node.live_through(case), case, LANES) for node in (fast, other)]
                found = differences(*seen)
            except EndlessTurningError:
                found = ["it turns without end"]
            fast_cases += fast.loop.served_fast > before
            if found:
                difference = Difference(given, place, case, tuple(found))
                break
        served = fast.loop.served_fast
        fast.end()
        other.end()
    return Played(place + 1, fast_cases, served, difference)
