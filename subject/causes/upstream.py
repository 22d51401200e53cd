"""Causes of a service behind that fails or is late."""

from subject.causes.case import BUSY_PERCENT, LAG_MS, MORE, Case
from subject.causes.cause import SOME, STRONG, Clue, Fact, Suspect, either
from subject.cluster.samples import Sample


def upstream_degraded(case: Case) -> list[Suspect]:
    """How it fails, at which nodes, and what it has to do."""
    if case.node is not None:
        return _of_node(case)
    p99, allowed = case.now("upstream_p99"), case.now("upstream_p99_allowed")
    late = Fact(
        "" if p99 is None else f"1 % of its answers begin after {p99:,.0f} ms or more",
        None if p99 is None or not allowed else p99 / allowed,
    )
    errors, broken, silent = _failures(case)
    total = errors + broken + silent
    return [
        Suspect(
            "it answers with errors of its own (5xx): its log says which",
            (_mostly(errors, total, "are answers with 5xx"),),
        ),
        Suspect(
            "it is stopped, cannot be reached, or breaks off: it may be restarting",
            (_mostly(broken, total, "broke off or were never connected"),),
        ),
        Suspect(
            "it hangs, or GATEWAY_UPSTREAM_TIMEOUT is too short for it",
            (_mostly(silent, total, "got no answer in time"),),
        ),
        Suspect(
            "it is loaded, or waits for something behind it",
            (late.above(1.0, STRONG), case.rise.above(MORE)),
        ),
    ]


def _of_node(case: Case) -> list[Suspect]:
    who = case.finding.subject.id
    errors, broken, silent = _failures(case)
    total = errors + broken + silent
    fine = Clue(f"{len(case.others)} other nodes get their answers", SOME)
    return [
        Suspect(
            f"the way from {who} to it, as the other nodes get answers",
            (fine, _mostly(broken + silent, total, "broke off, or came to nothing")),
        ),
        Suspect(
            f"{who} speaks to another service than the others (GATEWAY_UPSTREAM_URL)",
            (fine, _mostly(errors, total, "are answers with 5xx"), case.went_before.above(0)),
            usual=0.7,
        ),
        Suspect(
            f"{who} is short of processor",
            (case.loop_lag.above(LAG_MS, STRONG), case.cpu.above(BUSY_PERCENT)),
            usual=0.6,
        ),
    ]


def _mostly(part: int, total: int, what: str) -> Clue:
    told = f"{part:,} of {total:,} failures {what}"
    return either(2 * part > total, told, told, STRONG) if total else Clue("", 1.0)


def _failures(case: Case) -> tuple[int, int, int]:
    """5xx, broken and timed out, in the window that is judged."""
    start = case.snapshot.until - case.thresholds.upstream_seconds
    nodes = case.snapshot.nodes if case.node is None else (case.node,)
    recent: list[Sample] = [one for node in nodes for one in node.samples if one.end > start]
    return (
        sum(one.upstream.server_errors for one in recent),
        sum(one.upstream.broken for one in recent),
        sum(one.upstream.timed_out for one in recent),
    )
