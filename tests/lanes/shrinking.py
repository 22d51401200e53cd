"""A smaller round with the same kind of difference: what is not needed for it is left out."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from tests.lanes.generator.case import Case, Round, Send
from tests.lanes.play import Difference, play

_MOST_TRIALS = 600

Item = TypeVar("Item")


def shrunk(difference: Difference) -> Difference:
    """The smallest that is found by leaving out one thing after the other."""
    smallest, trials = difference, 0
    given = replace(difference.round, cases=difference.round.cases[: difference.place + 1])
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for smaller in _smaller(given):
            trials += 1
            if trials > _MOST_TRIALS:
                return smallest
            found = play(smaller).difference
            if found is not None and _kind(found) == _kind(difference):
                given = replace(smaller, cases=smaller.cases[: found.place + 1])
                smallest, is_smaller = found, True
                break
    return smallest


def _kind(difference: Difference) -> str:
    """By what it shows first."""
    return difference.found[0].split(":")[0]


def _smaller(given: Round) -> Iterator[Round]:
    for cases in _without_some(given.cases):
        if cases:
            yield replace(given, cases=cases)
    for chosen in _without_some(given.configuration.chosen):
        yield replace(given, configuration=replace(given.configuration, chosen=chosen))
    for place, case in enumerate(given.cases):
        for smaller in _smaller_cases(case):
            yield replace(given, cases=(*given.cases[:place], smaller, *given.cases[place + 1 :]))


def _smaller_cases(case: Case) -> Iterator[Case]:
    for steps in _without_some(case.steps):
        yield replace(case, steps=steps)
    for decisions in _without_some(case.decisions):
        yield replace(case, decisions=decisions)
    for behaviours in _without_some(case.behaviours):
        yield replace(case, behaviours=behaviours)
    if case.refused_dials:
        yield replace(case, refused_dials=())
    for place, step in enumerate(case.steps):
        if isinstance(step, Send) and step.data.count(b"\r\n") > 2:
            lines = tuple(step.data.split(b"\r\n"))
            for fewer in _without_some(lines):
                sent = replace(step, data=b"\r\n".join(fewer))
                yield replace(case, steps=(*case.steps[:place], sent, *case.steps[place + 1 :]))


def _without_some(items: tuple[Item, ...]) -> Iterator[tuple[Item, ...]]:
    size = len(items)
    while size:
        for start in range(0, len(items), size):
            yield items[:start] + items[start + size :]
        size //= 2
