"""What a measurement found, beside what it may be at most."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.markdown import rows


@dataclass(frozen=True, slots=True)
class Finding:
    """A number that must not be larger than another."""

    what: str
    found: float
    most: float
    unit: str = ""
    digits: int = 0

    @property
    def holds(self) -> bool:
        """Whether it is well."""
        return self.found <= self.most

    @property
    def cells(self) -> tuple[str, ...]:
        """Its line in the table."""
        return self.what, *(f"{value:,.{self.digits}f}{self.unit}" for value in (self.found, self.most))

    def __str__(self) -> str:
        """A line for people."""
        return f"{'ok  ' if self.holds else 'FAIL'} {self.what}: {self.found:.4g} (at most {self.most:.4g})"


Findings = list[Finding]


def table(findings: Iterable[Finding]) -> str:
    """A line each, as Markdown."""
    return rows(("measured", "", "at most"), [finding.cells for finding in findings])
