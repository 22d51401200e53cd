"""What was wrong in the last minutes, as a person reads it."""

from collections.abc import Sequence

from rich.padding import Padding
from rich.table import Table

from subject.diagnosis.retrospect import Episode, by_cause
from subject.figures import moment
from subject.finding import CLUSTER
from subject.output.console import Sheet, styled
from subject.output.report import STYLES

LEGEND = (
    "By what nodes wrote, what the audit has of live limits, and other limits as they are now; the way from "
    "here to Redis, and nodes that were forgotten since, are not in it"
)


class SinceReport(Sheet):
    """A paragraph for each problem, the first first."""

    def episodes(self, found: Sequence[Episode], start: float, times: Sequence[float]) -> None:
        """Each with what it explains; `times` were looked at."""
        at = times[-1]
        span = f"from {moment(start, at)} to {moment(at, at)}"
        if not found:
            self._print(f"Nothing was found {span}.", style="green")
        else:
            self._print(f"Found {span}:")
            for one, explained in by_cause(found):
                self._print()
                self._episode(one, explained, at)
            self._print()
        if len(times) > 1:
            step = times[1] - times[0]
            self._print(
                f"Every {step:,.0f} s was looked at: what was shorter can be missing. {LEGEND}", style="dim"
            )

    def _episode(self, one: Episode, explained: Sequence[Episode], at: float) -> None:
        finding = one.finding
        end = ", still there" if one.until is None else f" to {moment(one.until, at)}"
        self._print(styled(f"{moment(one.since, at)}{end}  ", (finding.code, STYLES[finding.severity])))
        self._print(Padding(f"{finding.summary}.", (0, 0, 0, 2)))
        if explained:
            names = ", ".join(_named(episode) for episode in explained)
            grid = Table.grid(padding=(0, 2))
            grid.add_row("", styled(("Explains", "dim")), names)
            self._print(grid)


def _named(episode: Episode) -> str:
    of_whom = "" if episode.finding.subject == CLUSTER else f" ({episode.finding.subject.id})"
    return f"{episode.finding.code}{of_whom}"
