"""What a run prints before and after: the setting; what was injected, diagnosed and done, and the verdict."""

from collections.abc import Iterator
from statistics import median

from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtest.remedied import Remedied
from loadtest.scenarios import WARM_UP, Setting
from loadtest.scenarios.remedy import AsSuggested, SetLimit
from loadtest.subject_commands import Finding
from loadtest.verdict import Outcome, Verdict

_GOOD, _OPEN, _BAD, _COMMAND = "green", "bold yellow", "bold red", "cyan"
_WORDS = {"passed": ("PASS", f"bold {_GOOD}"), "failed": ("FAIL", _BAD), "not judged": ("NOT JUDGED", _OPEN)}


def print_opening(console: Console, setting: Setting, seed: int, subject: str) -> None:
    """Say what is about to run, and how the subject comes to speak."""
    limit = setting.limit
    plans = (
        f"{its.quota:,} in {its.period_seconds} s on the plan {name}" for name, its in setting.plans.items()
    )
    may = " or ".join(plans) or f"{limit.quota} in {limit.period_seconds} s"
    console.print(
        f"A real cluster on this machine: {len(setting.node_ids)} gateway nodes, which count together in one "
        f"Redis, in front of a dummy upstream. {len(setting.clients)} clients send "
        f"{setting.rate_per_second:.0f} requests a second; each may send "
        f"{may}. What is put on it, where and how strong, is "
        f"drawn from seed {seed}. The subject, which watches the cluster and is not told, {subject}.\n"
    )


def print_opening_elsewhere(console: Console, setting: Setting, others_per_second: float, seed: int) -> None:
    """Say what is about to be sent to somebody's cluster."""
    others = (
        "Nobody else was seen sending."
        if not others_per_second
        else f"Others send {others_per_second:.1f} a second beside them."
    )
    console.print(
        f"The cluster behind {', '.join(setting.node_ids)}: {len(setting.clients)} clients of ours, who may "
        f"send {setting.windows_text} each, send {setting.rate_per_second:.0f} requests a second. {others} "
        f"What is put on it, where and how strong, is drawn from seed {seed}.\n"
    )


def print_verdict(
    console: Console, verdict: Verdict, seed: int, seconds: float, *, with_times: bool = False
) -> None:
    """The table, how long it took to find and to clear where that is asked for, the limits, and PASS or what
    failed."""
    console.print()
    if verdict.outcomes:
        console.print(_table(verdict))
        console.print()
    if with_times and (times := _times(verdict.outcomes)).row_count:
        console.print(times)
        console.print(_in_all(verdict.outcomes))
        console.print()
    for held in verdict.kept:
        console.print(Text("✓ ", style=_GOOD) + Text(f"{held}."))
    for what in verdict.not_judged:
        console.print(Text(f"– not judged: {what}"))
    for question in verdict.unjudged:
        console.print(Text(f"? {question}", style=_OPEN))
    for failure in verdict.failures:
        console.print(Text(f"✗ {failure}", style=_BAD))
    said, style = _WORDS[verdict.word]
    console.print(Text(f"{said} in {seconds:.0f} s (seed {seed})", style=style))


def _table(verdict: Verdict) -> Table:
    """What was injected, diagnosed, done, and whether that helped."""
    table = Table(show_lines=True, show_header=False, expand=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for outcome in verdict.outcomes:
        if outcome.is_right and not outcome.unjudged and outcome.scenario.name == WARM_UP:
            continue
        told = Table.grid(padding=(0, 2, 0, 0))
        for part in _told(outcome, verdict.unexpected):
            told.add_row(*part)
        table.add_row(_mark(outcome) + Text(outcome.scenario.name, style="bold"), told)
    return table


def _mark(outcome: Outcome) -> Text:
    if not outcome.is_right:
        return Text("✗ ", style=_BAD)
    return Text("? ", style=_OPEN) if outcome.unjudged else Text("✓ ", style=_GOOD)


def _told(outcome: Outcome, unexpected: str) -> Iterator[tuple[str, Text]]:
    yield "injected", Text(outcome.scenario.injected)
    for place, (_, finding) in enumerate(outcome.found):
        yield "" if place else "diagnosed", _diagnosed(finding)
        yield "suggested", Text(finding.suggested_action, style=_COMMAND)
    for sign in outcome.missing:
        yield "diagnosed", Text(f"✗ not found: {sign}", style=_BAD)
    for finding in outcome.false_alarms:
        yield "diagnosed", Text(f"✗ {unexpected}: {finding}", style=_BAD)
    for text in outcome.unjudged:
        yield "diagnosed", Text(f"? {text}", style=_OPEN)
    if not (outcome.found or outcome.missing or outcome.false_alarms or outcome.unjudged):
        yield "diagnosed", Text("nothing, rightly")
    if outcome.remedied is not None:
        yield "done", _done(outcome.remedied)
        yield "helped", _helped(outcome.remedied)
        if outcome.remedied.done.undo is not None:
            yield "undone", Text(outcome.remedied.done.undo, style=_COMMAND)


def _diagnosed(finding: Finding) -> Text:
    return Text(f"{finding.code}: ", style="bold") + Text(
        f"{finding.summary}. Likely: {finding.likely_cause}."
    )


def _done(remedied: Remedied) -> Text:
    told = remedied.done.told
    match remedied.remedy.action:
        case AsSuggested(because=because):
            return Text(f"what was suggested: {because}")
        case SetLimit(because=because):
            return Text(told, style=_COMMAND) + Text(f" (the operator's own choice: {because})")
        case _:
            return Text(f"outside the product: {told}")


def _helped(remedied: Remedied) -> Text:
    if not remedied.helped:
        return Text(f"✗ no: {remedied.told}", style=_BAD)
    return Text(remedied.told)


def _times(outcomes: tuple[Outcome, ...]) -> Table:
    table = Table("scenario", "finding", "found after", "clear after", box=None, padding=(0, 2, 0, 0))
    for outcome in outcomes:
        clear = "" if outcome.clear_seconds is None else f"{outcome.clear_seconds:.1f} s"
        for (sign, _), seconds in zip(outcome.found, outcome.found_seconds, strict=True):
            table.add_row(outcome.scenario.name, str(sign), f"{seconds:.1f} s", clear)
    return table


def _in_all(outcomes: tuple[Outcome, ...]) -> Text:
    """Of several findings, how long they took: an operator's questions are the usual and the worst."""
    found = [seconds for outcome in outcomes for seconds in outcome.found_seconds]
    clear = [outcome.clear_seconds for outcome in outcomes if outcome.clear_seconds is not None]
    last = f", clear after {max(clear):.1f} s at the latest" if clear else ""
    return Text(
        f"{len(found)} found, after {median(found):.1f} s in the median and {max(found):.1f} s at the latest"
        f"{last}"
    )
