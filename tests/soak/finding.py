"""A number that must not be larger than another."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and the most that it may be."""

    what: str
    found: float
    most: float

    @property
    def holds(self) -> bool:
        """Whether it is well."""
        return self.found <= self.most

    def __str__(self) -> str:
        """A line for people."""
        return f"{'ok  ' if self.holds else 'FAIL'} {self.what}: {self.found:.4g} (at most {self.most:.4g})"
