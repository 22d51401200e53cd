"""What a run prints before and after: the setting; truth and diagnosis side by side, and the verdict."""

from statistics import median

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from loadtest.scenarios import WARM_UP, Setting
from loadtest.verdict import Busiest, Outcome, Verdict

_GOOD, _OPEN, _BAD = "green", "bold yellow", "bold red"
_WORDS = {"passed": ("PASS", f"bold {_GOOD}"), "failed": ("FAIL", _BAD), "not judged": ("NOT JUDGED", _OPEN)}


def print_opening(
    console: Console, setting: Setting, seed: int, subject: str = "is asked every two seconds what is wrong"
) -> None:
    """Say what is about to run, and how the subject comes to speak."""
    limit = setting.limit
    console.print(
        f"A real cluster on this machine: {len(setting.node_ids)} gateway nodes, which count together in one "
        f"Redis, in front of a dummy upstream. {len(setting.clients)} clients send "
        f"{setting.rate_per_second:.0f} requests a second; each may send {limit.quota} in "
        f"{limit.period_seconds} s. What is put on it, where and how strong, is drawn from seed {seed}. The "
        f"subject, which watches the cluster and is not told, {subject}.\n"
    )


def print_opening_elsewhere(console: Console, setting: Setting, others_per_second: float, seed: int) -> None:
    """Say what is about to be sent to somebody's cluster."""
    windows = ",".join(map(str, setting.windows))
    others = (
        "Nobody else was seen sending."
        if not others_per_second
        else f"Others send {others_per_second:.1f} a second beside them."
    )
    console.print(
        f"The cluster behind {', '.join(setting.node_ids)}: {len(setting.clients)} clients of ours, who may "
        f"send {windows} each, send {setting.rate_per_second:.0f} requests a second. {others} What is put on "
        f"it, where and how strong, is drawn from seed {seed}.\n"
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
    if verdict.busiest is not None:
        console.print(_limits(verdict.busiest, verdict.limits_by))
    if verdict.counted:
        console.print(_counts(verdict.counted))
    for what in verdict.not_judged:
        console.print(Text(f"– not judged: {what}"))
    for question in verdict.unjudged:
        console.print(Text(f"? {question}", style=_OPEN))
    for failure in verdict.failures:
        console.print(Text(f"✗ {failure}", style=_BAD))
    said, style = _WORDS[verdict.word]
    console.print(Text(f"{said} in {seconds:.0f} s (seed {seed})", style=style))


def _table(verdict: Verdict) -> Table:
    table = Table(show_lines=True, expand=True)
    table.add_column("injected", ratio=2)
    table.add_column("what the subject diagnosed, and suggested", ratio=5)
    for outcome in verdict.outcomes:
        if outcome.is_right and not outcome.unjudged and outcome.scenario.name == WARM_UP:
            continue
        table.add_row(_injected(outcome), _diagnosed(outcome, verdict.unexpected))
    return table


def _injected(outcome: Outcome) -> Text:
    if not outcome.is_right:
        mark = Text("✗ ", style=_BAD)
    else:
        mark = Text("? ", style=_OPEN) if outcome.unjudged else Text("✓ ", style=_GOOD)
    return mark + Text(outcome.scenario.name, style="bold") + Text(f"\n{outcome.scenario.injected}")


def _diagnosed(outcome: Outcome, unexpected: str) -> RenderableType:
    findings = [finding for _, finding in outcome.found]
    parts = [
        Text(f"{finding.code}: ", style="bold")
        + Text(f"{finding.summary}. Likely: {finding.likely_cause}.")
        + Text(f"\n→ {finding.suggested_action}", style="cyan")
        for finding in findings
    ]
    parts += [Text(f"✗ not found: {sign}", style=_BAD) for sign in outcome.missing]
    parts += [Text(f"✗ {unexpected}: {finding}", style=_BAD) for finding in outcome.false_alarms]
    parts += [Text(f"? {text}", style=_OPEN) for text in outcome.unjudged]
    return Group(*parts) if parts else Text("nothing, rightly")


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


def _limits(busiest: Busiest, limits_by: str) -> Text:
    mark = Text("✓ ", style=_GOOD) if busiest.is_kept else Text("✗ ", style=_BAD)
    return mark + Text(
        f"limits: by {limits_by} no client got more than {busiest.largest} requests through in any "
        f"{busiest.limit.period_seconds} s; {busiest.limit.quota} are allowed."
    )


def _counts(requests: int) -> Text:
    return Text("✓ ", style=_GOOD) + Text(
        f"counts: node by node, senders and subject agree on what became of all {requests:,} requests."
    )
