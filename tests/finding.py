"""What a measurement found, beside what it may be at most."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A number that must not be larger than another."""

    what: str
    found: float
    most: float
    unit: str = ""
    digits: int = 0

    @property
    def cells(self) -> tuple[str, ...]:
        """Its line in the table."""
        return self.what, *(f"{value:,.{self.digits}f}{self.unit}" for value in (self.found, self.most))


Findings = list[Finding]
