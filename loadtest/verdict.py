"""Whether a run came out as it should: decided from what was recorded, without IO."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from loadtest.passages import Busiest
from loadtest.remedied import Remedied
from loadtest.scenarios.scenario import Scenario, Sign
from loadtest.subject_commands import Finding, Identity, Problem, Report


@dataclass(frozen=True, slots=True)
class Asked:
    """A report, and when it was asked for and there (seconds since 1970)."""

    asked_at: float
    at: float
    report: Report

    @property
    def clock_offset(self) -> float:
        """What this machine's clock is ahead of Redis', by which records have their time."""
        return self.asked_at - self.report.at


@dataclass(frozen=True, slots=True)
class Times:
    """Of a scenario, in seconds since 1970: from when to when what it is about was so, and from its first
    step until nothing was found any more, or that had taken too long. None: not yet."""

    started_at: float = 0.0
    began_at: float = 0.0
    ended_at: float | None = None
    over_at: float | None = None


NOT_YET = Times()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the subject made of one scenario, and what came of what an operator did about it."""

    scenario: Scenario
    found: tuple[tuple[Sign, Finding], ...]  # each expected sign, with the finding that was first
    missing: tuple[Sign, ...]
    false_alarms: tuple[Finding, ...]  # the first of each
    stayed: tuple[Finding, ...]  # long after the scenario's end
    found_seconds: tuple[float, ...] = ()  # from when it was so until `found` was reported, each
    problems: tuple[Problem, ...] | None = None  # in the first report with all that is expected
    clear_seconds: float | None = None  # from the scenario's end until nothing was found, if something was
    times: Times = NOT_YET
    unjudged: tuple[str, ...] = ()  # what nobody can tell from here whether it is right; it is not above
    remedied: Remedied | None = None  # where nothing was to be done, or not all was found

    @property
    def is_right(self) -> bool:
        """Whether it found what was there, and nothing else, and what was done about it helped."""
        is_told = not (self.missing or self.false_alarms or self.stayed) and self.is_well_grouped
        return is_told and self.is_mended

    @property
    def is_mended(self) -> bool:
        """Whether nothing had to be done, or that helped."""
        return self.scenario.remedy is None or (self.remedied is not None and self.remedied.helped)

    @property
    def is_well_grouped(self) -> bool:
        """Whether there was a problem for each cause."""
        return self.problems is None or len(self.problems) == self.scenario.problems


def outcome(
    scenario: Scenario,
    reports: Sequence[Asked],
    times: Times = NOT_YET,
    remedied: Remedied | None = None,
) -> Outcome:
    """Hold the reports from a scenario's start until it was over against the truth."""
    first: dict[Identity, Finding] = {}
    first_at: dict[Identity, float] = {}
    for asked in reports:
        for finding in asked.report.findings:
            first.setdefault(finding.identity, finding)
            first_at.setdefault(finding.identity, asked.at)
    found: list[tuple[Sign, Finding]] = []
    missing: list[Sign] = []
    for sign in scenario.expected:
        matching = [finding for identity, finding in first.items() if sign.matches(*identity)]
        if matching:
            found.append((sign, matching[0]))
        else:
            missing.append(sign)
    true_signs = scenario.expected + scenario.allowed
    false_alarms = tuple(
        finding
        for identity, finding in first.items()
        if not any(sign.matches(*identity) for sign in true_signs)
    )
    return Outcome(
        scenario=scenario,
        found=tuple(found),
        missing=tuple(missing),
        false_alarms=false_alarms,
        stayed=reports[-1].report.findings if reports and times.over_at is not None else (),
        times=times,
        remedied=remedied,
        found_seconds=tuple(max(0.0, first_at[finding.identity] - times.began_at) for _, finding in found),
        problems=_problems(scenario, reports),
        clear_seconds=None
        if times.ended_at is None or not first
        else _clear_seconds(reports, times.ended_at),
    )


def _problems(scenario: Scenario, reports: Sequence[Asked]) -> tuple[Problem, ...] | None:
    """None where nothing is expected, or never all of it was there at once."""
    for asked in reports if scenario.expected else ():
        identities = [finding.identity for finding in asked.report.findings]
        if all(any(sign.matches(*identity) for identity in identities) for sign in scenario.expected):
            return asked.report.problems
    return None


def _clear_seconds(reports: Sequence[Asked], ended_at: float) -> float | None:
    """Until the first of those reports that end the run and find nothing; None where it does not end so."""
    return _gone_seconds(reports, ended_at, lambda _: True)


def closed_seconds(scenario: Scenario, reports: Sequence[Asked], since: float) -> float | None:
    """The same of what is expected alone, from a time on: until all of it was gone."""
    return _gone_seconds(
        reports, since, lambda finding: any(sign.matches(*finding.identity) for sign in scenario.expected)
    )


def _gone_seconds(
    reports: Sequence[Asked], since: float, is_meant: Callable[[Finding], bool]
) -> float | None:
    gone_at = None
    for asked in reversed(reports):
        if any(map(is_meant, asked.report.findings)) or asked.asked_at < since:
            break
        gone_at = asked.at
    return None if gone_at is None else gone_at - since


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that a run is judged by.

    `counted` is the number of requests on whose outcomes senders and subject agree, node by node; None where
    they do not. `problems` are sentences on what is wrong with that, or with the run; `open_questions` on
    what it should have been judged by and was not; `not_judged` on what no run there is judged by. What
    `busiest` got is told by `limits_by`; `unexpected` is what a finding is called that nobody put there.
    """

    outcomes: tuple[Outcome, ...]
    busiest: Busiest | None
    counted: int | None = None
    problems: tuple[str, ...] = ()
    limits_by: str = "the upstream's log"
    not_judged: tuple[str, ...] = ()
    open_questions: tuple[str, ...] = ()
    unexpected: str = "false alarm"

    @property
    def word(self) -> Literal["passed", "failed", "not judged"]:
        """What it comes to. What is left open does not pass."""
        if self.failures:
            return "failed"
        return "not judged" if self.unjudged else "passed"

    @property
    def unjudged(self) -> tuple[str, ...]:
        """What is left open, a sentence each."""
        of_findings = (
            f"{result.scenario.name}: {text}" for result in self.outcomes for text in result.unjudged
        )
        return (*of_findings, *self.open_questions)

    @property
    def kept(self) -> tuple[str, ...]:
        """What held of limits and counts, a sentence each without its full stop."""
        return tuple(self._kept())

    def _kept(self) -> Iterable[str]:
        if (client := self.busiest) is not None and client.is_kept:
            yield (
                f"limits: by {self.limits_by} no client got more through than it was allowed at the time; "
                f"nearest to that came one with {client.largest} of {client.limit.quota} in "
                f"{client.limit.period_seconds} s"
            )
        if self.counted:
            yield (
                "counts: node by node, senders and subject agree on what became of all "
                f"{self.counted:,} requests"
            )

    @property
    def failures(self) -> tuple[str, ...]:
        """What failed, a sentence each; empty where all passed."""
        return (*self._of_findings(), *self.failures_of_books)

    @property
    def failures_of_books(self) -> tuple[str, ...]:
        """Those that have nothing to do with what the subject found."""
        return (*self._of_limits(), *self.problems)

    def _of_findings(self) -> Iterable[str]:
        for result in self.outcomes:
            name = result.scenario.name
            yield from (f"{name}: {sign} was not found" for sign in result.missing)
            yield from (
                f"{name}: {self.unexpected} {finding}: {finding.summary}" for finding in result.false_alarms
            )
            if not result.is_well_grouped:
                told = ", ".join(map(str, result.problems or ()))
                yield f"{name}: not one problem for each cause ({result.scenario.problems}), but {told}"
            yield from (f"{name}: {finding} was still there long after its end" for finding in result.stayed)
            if not (result.missing or result.is_mended):
                yield f"{name}: {_unmended(result.remedied)}"

    def _of_limits(self) -> Iterable[str]:
        if self.busiest is None:
            if not (self.problems or self.open_questions):
                yield "nothing reached the upstream"
        elif not self.busiest.is_kept:
            limit = self.busiest.limit
            yield f"a client got {self.busiest.largest} requests through in {limit.period_seconds} s: {limit}"


def _unmended(remedied: Remedied | None) -> str:
    if remedied is None:
        return "nothing was done about it"
    return f"{remedied.done.told} did not help: {remedied.told}"
