"""What was wrong in the last minutes, as a person reads it."""

from collections.abc import Sequence

from subject.diagnosis.retrospect import Episode
from subject.figures import moment
from subject.finding import CLUSTER
from subject.output.console import Sheet, styled
from subject.output.report import STYLES

LEGEND = (
    "By what nodes wrote, and by the limits as they are now; the way from here to Redis, and nodes that were "
    "forgotten since, are not in it"
)


class SinceReport(Sheet):
    """A table, the first episode first."""

    def episodes(self, found: Sequence[Episode], start: float, times: Sequence[float]) -> None:
        """Each in a line; `times` were looked at."""
        at = times[-1]
        span = f"from {moment(start, at)} to {moment(at, at)}"
        if not found:
            self._print(f"Nothing was found {span}.", style="green")
        else:
            self._print(f"Found {span}:")
            table = self._table("since", "until", "what", "of", "at its worst")
            for one in found:
                finding = one.finding
                table.add_row(
                    moment(one.since, at),
                    "still there" if one.until is None else moment(one.until, at),
                    styled((finding.code, STYLES[finding.severity])),
                    "" if finding.subject == CLUSTER else finding.subject.id,
                    f"{finding.summary}.",
                )
            self._print(table)
        if len(times) > 1:
            step = times[1] - times[0]
            self._print(
                f"Every {step:,.0f} s was looked at: what was shorter can be missing. {LEGEND}", style="dim"
            )
