"""What a scenario leaves to chance, and how strong it is of all that it can be."""

from random import Random
from typing import Self

Part = tuple[float, float]
WHOLE: Part = (0.0, 1.0)


class Chance(Random):
    """Draws as `Random` does, and strengths from a part of their range: (0, 1/3) is the weakest third."""

    part: Part = WHOLE

    @classmethod
    def within(cls, part: Part, seed: int | str) -> Self:
        """All strengths from this part."""
        chance = cls(seed)
        chance.part = part
        return chance

    def strength(self, weakest: float, strongest: float) -> float:
        """A number of that range; the strongest may be the smaller one."""
        return self.uniform(*(weakest + edge * (strongest - weakest) for edge in self.part))

    def whole_strength(self, weakest: int, strongest: int) -> int:
        """A whole number of that range."""
        return self.randint(*(round(weakest + edge * (strongest - weakest)) for edge in self.part))
