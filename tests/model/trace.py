"""A record as lines that a person can follow, in the order of world time."""

from collections.abc import Iterator

from tests.model.record import Outcome, Record
from tests.model.redis import Executed
from tests.model.scenario import Scenario


def lines(record: Record) -> Iterator[str]:
    """The scenario in a few lines, then everything that happened."""
    yield from _plan(record.scenario)
    told: list[tuple[int, str]] = []
    told += [(entry.tick, _command(entry)) for entry in record.log]
    for outcome in record.outcomes:
        told.append((outcome.began, f"node {outcome.node} asks: {_hits(outcome)}"))
        if outcome.ended >= 0:
            told.append((outcome.ended, f"node {outcome.node} decides: {_answer(outcome)}"))
    for number, link in enumerate(record.links):
        if link.lost_at is not None:
            told.append((link.lost_at, f"node {link.node} loses connection {number}"))
    for happening in record.scenario.happenings:
        told.append(
            (
                happening.at,
                f"TROUBLE: {happening.fault.value} "
                f"(node {happening.node}, {happening.ticks} µs, {happening.detail})",
            )
        )
    for change in record.scenario.changes:
        for node, heard in enumerate(change.heard):
            told.append((heard, f"node {node} hears of {change.client}: {change.policy}"))
    for moment, text in sorted(told, key=lambda each: each[0]):
        yield f"{moment / 1e6:12.6f}  {text}"


def _plan(scenario: Scenario) -> Iterator[str]:
    yield f"seed {scenario.seed}, family {scenario.family}, deadline {scenario.deadline_seconds:g} s"
    yield f"without Redis: {scenario.on_failure}"
    yield f"Redis: {scenario.redis_url}, clock {scenario.redis_origin} and {scenario.redis_drift_ppm} ppm"
    for client, policy in scenario.policies:
        yield f"{client}: {policy}"
    for number, plan in enumerate(scenario.nodes):
        yield f"node {number}: {plan}"
    yield f"Redis stands still: {scenario.redis_suspensions}"
    yield f"healed at {scenario.healed_at / 1e6:.6f}"


def _command(entry: Executed) -> str:
    words = " ".join(word.decode(errors="replace") for word in entry.command)
    reply = entry.reply.decode(errors="replace").replace("\r\n", " ")
    return f"Redis at {entry.at}, connection {entry.link} of node {entry.node}: {words} → {reply}"


def _hits(outcome: Outcome) -> str:
    return ", ".join(f"{hit.cost} of {hit.key} ({hit.limit})" for hit in outcome.hits)


def _answer(outcome: Outcome) -> str:
    statuses = ", ".join("yes" if status.admitted else "no" for status in outcome.statuses)
    waited = (outcome.ended - outcome.began) / 1000
    return f"{statuses or 'nothing'} by {outcome.by.value} after {waited:.1f} ms: {_hits(outcome)}"
