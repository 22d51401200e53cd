"""What an operator would suspect, and how what is known weighs for and against it."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

SURE, STRONG, SOME = 30.0, 4.0, 2.0
"""How many times as likely a clue makes a cause that it speaks for."""
SOMETHING_ELSE = 0.5
"""The weight of what nobody has thought of, beside that of a usual cause (1)."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One explanation of a problem. All of a problem's confidences add up to less than 1."""

    text: str
    confidence: float  # 0…1
    speaks_for: tuple[str, ...]
    speaks_against: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clue:
    """One thing that is known; it makes a cause `times` as likely, so below 1 it speaks against."""

    text: str
    times: float


@dataclass(frozen=True, slots=True)
class Fact:
    """A number of the snapshot in words; None where it is not known, and then it says nothing."""

    text: str
    value: float | None

    def above(self, bound: float, times: float = SOME) -> Clue:
        """Speaks for what makes it large."""
        if self.value is None:
            return Clue(self.text, 1.0)
        return Clue(self.text, times if self.value > bound else 1 / times)

    def below(self, bound: float, times: float = SOME) -> Clue:
        """Speaks against that."""
        return Clue(self.text, 1 / self.above(bound, times).times)


def either(condition: bool, yes: str, no: str, times: float = SOME) -> Clue:
    """Speaks for where it is so, else as much against; an empty text says nothing."""
    text = yes if condition else no
    if not text:
        return Clue("", 1.0)
    return Clue(text, times if condition else 1 / times)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A cause before it is ranked; `usual` is how often it is that one, beside the others of its code."""

    text: str
    clues: tuple[Clue, ...] = ()
    usual: float = 1.0

    @property
    def weight(self) -> float:
        """As in a naive Bayes classifier: the odds before, times those of each clue."""
        return self.usual * prod(clue.times for clue in self.clues)


def ranked(suspects: Iterable[Suspect]) -> tuple[Cause, ...]:
    """The likeliest first, and of equals the one that was named first."""
    found = sorted(suspects, key=lambda suspect: -suspect.weight)
    whole = SOMETHING_ELSE + sum(suspect.weight for suspect in found)
    return tuple(
        Cause(
            suspect.text,
            round(suspect.weight / whole, 2),
            tuple(clue.text for clue in suspect.clues if clue.times > 1),
            tuple(clue.text for clue in suspect.clues if clue.times < 1),
        )
        for suspect in found
    )
