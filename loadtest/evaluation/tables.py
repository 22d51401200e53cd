"""What an evaluation found, as tables."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from loadtest.evaluation.aims import AIMS
from loadtest.evaluation.plan import BENIGN_RATES, CHOOSING, INTENSITIES, REPORTING
from loadtest.evaluation.score import Figures, Score, by_code, of_all, seconds_of
from loadtest.evaluation.sweep import Tried
from loadtest.figure_tables import Table
from loadtest.verdict import Outcome

NOTHING = "–"
HEADS = (
    "there",
    "found",
    "false",
    "recall",
    "precision",
    "detected after",
    "at worst",
    "clear after",
    "at worst",
)


def all_of(scores: Mapping[str, Score], tried: Sequence[Tried] = ()) -> Iterator[Table]:
    """Each table in which there is anything; `scores` by purpose, `tried` on the choosing seeds."""
    yield of_aims(scores)
    reporting = scores.get(REPORTING) or scores[CHOOSING]
    shown = (
        _by_code(reporting),
        _by_intensity(reporting),
        _by_scenario(reporting),
        _benign(reporting),
        _tried(scores, tried),
        _amiss(scores),
    )
    yield from (table for table in shown if table.rows)


def of_aims(scores: Mapping[str, Score]) -> Table:
    """What is aimed at, and what each purpose's runs say."""
    rows = [
        (
            aim.what,
            *(aim.shown(score) for score in scores.values()),
            aim.bound,
            "reached" if all(aim.is_reached(score) for score in scores.values()) else "missed",
        )
        for aim in AIMS
    ]
    return Table("In all", ("", *(f"{purpose} seeds" for purpose in scores), "aim", ""), tuple(rows))


def _by_code(score: Score) -> Table:
    outcomes = score.anomalies
    rows = [(f"`{code}`", *_cells(figures)) for code, figures in by_code(outcomes).items()]
    return Table("By code", ("", *HEADS), (*rows, ("in all", *_cells(of_all(outcomes)))))


def _by_intensity(score: Score) -> Table:
    rows = []
    for name in INTENSITIES:
        outcomes = [
            outcome for scored in score.runs if scored.run.intensity == name for outcome in scored.outcomes
        ]
        if outcomes:
            rows.append((name, *_cells(of_all(outcomes))))
    return Table("By intensity", ("", *HEADS), tuple(rows))


def _by_scenario(score: Score) -> Table:
    by_name: dict[str, list[Outcome]] = {}
    for outcome in score.anomalies:
        if outcome.scenario.expected:
            by_name.setdefault(outcome.scenario.name, []).append(outcome)
    rows = [(f"`{name}`", *_cells(of_all(outcomes))) for name, outcomes in sorted(by_name.items())]
    return Table("By scenario", ("", *HEADS), tuple(rows))


def _benign(score: Score) -> Table:
    rows = []
    for rate in BENIGN_RATES:
        runs = [
            scored for scored in score.runs if scored.run.is_benign and scored.run.rate_per_second == rate
        ]
        outcomes = [outcome for scored in runs for outcome in scored.outcomes]
        if outcomes:
            minutes = sum(map(seconds_of, outcomes)) / 60
            rows.append((f"{rate}", f"{minutes:.1f} min", f"{of_all(outcomes).false_alarms}"))
    return Table("Benign traffic", ("usual requests a second", "played for", "false alarms"), tuple(rows))


def _tried(scores: Mapping[str, Score], tried: Sequence[Tried]) -> Table:
    shown = [("those in force", scores[CHOOSING]), *((one.name, one.score) for one in tried)] if tried else []
    rows = [(name, *(aim.shown(score) for aim in AIMS)) for name, score in shown]
    return Table("Other thresholds, on the choosing seeds", ("", *(aim.what for aim in AIMS)), tuple(rows))


def _amiss(scores: Mapping[str, Score]) -> Table:
    """Each finding that was missed or should not have been, one by one."""
    rows = [
        (scored.run.name, outcome.scenario.name, what, outcome.scenario.injected)
        for score in scores.values()
        for scored in score.runs
        for outcome in scored.outcomes
        for what in _told(outcome)
    ]
    return Table("What was amiss", ("run", "scenario", "what", "injected"), tuple(rows))


def _told(outcome: Outcome) -> Iterator[str]:
    yield from (f"not found: {sign}" for sign in outcome.missing)
    yield from (f"false alarm: {finding}" for finding in outcome.false_alarms)
    yield from (f"stayed: {finding}" for finding in outcome.stayed)
    if not outcome.is_well_grouped:
        yield f"{len(outcome.problems or ())} problems, not {outcome.scenario.problems}"


def _cells(figures: Figures) -> Sequence[str]:
    return (
        f"{figures.expected}",
        f"{figures.found}",
        f"{figures.false_alarms}",
        _ratio(figures.recall),
        _ratio(figures.precision),
        *_times(figures.to_find),
        *_times(figures.to_clear),
    )


def _ratio(ratio: float | None) -> str:
    return NOTHING if ratio is None else f"{ratio:.3f}"


def _times(seconds: Sequence[float]) -> tuple[str, str]:
    return (f"{median(seconds):.1f} s", f"{max(seconds):.1f} s") if seconds else (NOTHING, NOTHING)
