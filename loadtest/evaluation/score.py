"""What scored runs come to, in figures. Decided without IO."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

from loadtest.evaluation.scoring import Scored
from loadtest.verdict import Outcome


@dataclass(frozen=True, slots=True)
class Figures:
    """Of some findings: how many were to be found and were, how many were there though nothing was so, and
    how many seconds it took to find each and until nothing was left."""

    expected: int
    found: int
    false_alarms: int
    to_find: tuple[float, ...] = ()
    to_clear: tuple[float, ...] = ()

    @property
    def recall(self) -> float | None:
        """The part of what was there that was found; None where nothing was."""
        return self.found / self.expected if self.expected else None

    @property
    def precision(self) -> float | None:
        """The part of what was found that was there; None where nothing was found."""
        told = self.found + self.false_alarms
        return self.found / told if told else None

    @property
    def median_to_find(self) -> float | None:
        """Seconds."""
        return median(self.to_find) if self.to_find else None

    @property
    def worst_to_find(self) -> float | None:
        """Seconds."""
        return max(self.to_find, default=None)


def of_all(outcomes: Iterable[Outcome]) -> Figures:
    """The figures of these scenarios together."""
    listed = list(outcomes)
    return Figures(
        expected=sum(len(one.scenario.expected) for one in listed),
        found=sum(len(one.found) for one in listed),
        false_alarms=sum(len(false_codes(one)) for one in listed),
        to_find=tuple(seconds for one in listed for seconds in one.found_seconds),
        to_clear=tuple(one.clear_seconds for one in listed if one.found and one.clear_seconds is not None),
    )


def by_code(outcomes: Sequence[Outcome]) -> dict[str, Figures]:
    """The same by the code of what was to be found, or was found though nothing was so."""
    codes = {sign.code for one in outcomes for sign in one.scenario.expected}
    codes |= {code for one in outcomes for code in false_codes(one)}
    return {code: of_all(_of_code(code, outcomes)) for code in sorted(codes)}


def false_codes(outcome: Outcome) -> list[str]:
    """The code of each finding that should not have been there, or not any more."""
    false = {finding.identity: finding.code for finding in (*outcome.false_alarms, *outcome.stayed)}
    return list(false.values())


def _of_code(code: str, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """Outcomes as if there were no other code."""
    for one in outcomes:
        places = [place for place, (sign, _) in enumerate(one.found) if sign.code == code]
        yield replace(
            one,
            scenario=replace(
                one.scenario, expected=tuple(sign for sign in one.scenario.expected if sign.code == code)
            ),
            found=tuple(one.found[place] for place in places),
            missing=tuple(sign for sign in one.missing if sign.code == code),
            false_alarms=tuple(finding for finding in one.false_alarms if finding.code == code),
            stayed=tuple(finding for finding in one.stayed if finding.code == code),
            found_seconds=tuple(one.found_seconds[place] for place in places),
        )


@dataclass(frozen=True, slots=True)
class Score:
    """Of the runs of one purpose. `false_an_hour` is None where none of it was benign."""

    runs: tuple[Scored, ...]

    @property
    def anomalies(self) -> list[Outcome]:
        """The scenarios of runs that are not benign, warm-ups among them."""
        return [outcome for scored in self.runs if not scored.run.is_benign for outcome in scored.outcomes]

    @property
    def benign(self) -> list[Outcome]:
        """Those of the others."""
        return [outcome for scored in self.runs if scored.run.is_benign for outcome in scored.outcomes]

    @property
    def benign_hours(self) -> float:
        """How long there was benign traffic and nothing else."""
        return sum(seconds_of(outcome) for outcome in self.benign) / 3600

    @property
    def figures(self) -> Figures:
        """Of all anomalies."""
        return of_all(self.anomalies)

    @property
    def false_in_benign(self) -> int:
        """False alarms in all of its benign traffic."""
        return of_all(self.benign).false_alarms

    @property
    def false_an_hour(self) -> float | None:
        """The same by the hour."""
        return self.false_in_benign / self.benign_hours if self.benign else None

    @property
    def badly_grouped(self) -> list[Outcome]:
        """Scenarios of which the subject did not make a problem for each cause."""
        return [outcome for scored in self.runs for outcome in scored.outcomes if not outcome.is_well_grouped]

    @property
    def failures_of_books(self) -> list[str]:
        """Runs that did not keep to their limits, or whose counts do not agree."""
        return [f"{scored.run.name}: {text}" for scored in self.runs for text in scored.books.failures]


def seconds_of(outcome: Outcome) -> float:
    """How long it was played."""
    times = outcome.times
    return 0.0 if times.over_at is None else times.over_at - times.started_at
