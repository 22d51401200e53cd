"""Causes of what one client does, or of what is done to it."""

from subject.causes.case import LATELY_SECONDS, MORE, Case
from subject.causes.cause import STRONG, Fact, Suspect, either
from subject.figures import number, percent
from subject.finding import CLUSTER

BEFORE_SECONDS = 60.0
LEAST_BEFORE_SECONDS = 10.0
"""Shorter than that, it is no usual rate, but how it began."""
MOSTLY = 0.5
SEVERAL = 10.0
"""Requests a second from which it is hardly one process that waits for its answers."""


def spike_single(case: Case) -> list[Suspect]:
    """Retries, work, or somebody else."""
    client, before, refused = before_and_refused(case)
    return [
        Suspect(f"{client} is in a retry loop", (refused.above(MOSTLY, STRONG),)),
        Suspect(f"{client} runs a batch", (refused.below(MOSTLY),)),
        Suspect(
            f"{client}'s key is being misused",
            (before.below(0.0), refused.below(MOSTLY)),
            usual=0.3,
        ),
    ]


def retry_storm(case: Case) -> list[Suspect]:
    """It does not wait, cannot, or has just been given less."""
    client, before, refused = before_and_refused(case)
    rate = case.now("retry_rate") or 0.0
    asked = Fact(f"it comes {number(rate)} times a second", rate)
    return [
        Suspect(
            f"{client} retries without waiting: it should heed Retry-After, and back off with jitter",
            (refused.above(0.9), asked.above(SEVERAL * 2)),
        ),
        Suspect(
            f"many processes share {client}'s key, and none waits for the others",
            (before.above(SEVERAL), asked.above(SEVERAL * 10)),
            usual=0.7,
        ),
        Suspect(
            f"{client}'s limit was lowered, or is too low for what it does",
            (case.changed_lately(client).above(0, STRONG), case.went_before.above(0), before.above(SEVERAL)),
            usual=0.7,
        ),
    ]


def hot_key(case: Case) -> list[Suspect]:
    """Big, busy just now, or many behind one key."""
    client = case.finding.subject.id
    spread = [node.id for node in case.snapshot.up if case.by_client(node).get(client, 0.0) >= 1]
    through = f"it comes in through {len(spread)} of {len(case.snapshot.up)} nodes"
    return [
        Suspect(f"{client} is far bigger than the others", (case.lasting.above(LATELY_SECONDS),)),
        Suspect(
            f"{client} runs a batch, or tries again and again",
            (case.lasting.below(LATELY_SECONDS), case.refusals.above(0.2)),
        ),
        Suspect(
            f"{client} is a proxy behind which many users share one key",
            (either(len(spread) > 1, through, through), case.lasting.above(LATELY_SECONDS)),
            usual=0.6,
        ),
    ]


def limit_breach(case: Case) -> list[Suspect]:
    """Too much asked, or too little allowed."""
    return _of_many(case) if case.finding.subject == CLUSTER else _of_one(case)


def _of_one(case: Case) -> list[Suspect]:
    client, before, refused = before_and_refused(case)
    return [
        Suspect(
            f"{client} does not keep to its limit; the gateway does what it should",
            (case.changed_lately(client).below(0), case.fallbacks.below(0.01), refused.above(0.1)),
        ),
        Suspect(
            f"{client}'s limit was lowered, or is too low for what it does",
            (case.changed_lately(client).above(0, STRONG), case.went_before.above(0), refused.below(MOSTLY)),
            usual=0.8,
        ),
        Suspect(
            "nodes decide alone, each by its share of the limit",
            (case.fallbacks.above(0.01, STRONG),),
            usual=0.5,
        ),
        Suspect(
            f"{client} has grown: it needs more than it was given",
            (before.above(1.0), refused.below(0.3)),
            0.6,
        ),
    ]


def _of_many(case: Case) -> list[Suspect]:
    clients = case.now("clients_over_limit") or 0.0
    over = Fact(f"{clients:.0f} clients are over their limits", clients)
    return [
        Suspect(
            "limits that are too low for today's use", (case.went_before.below(0), case.failures.below(0.05))
        ),
        Suspect(
            "limits were lowered by a change of settings or files",
            (case.went_before.above(0, STRONG), over.above(case.thresholds.breach_clients)),
            usual=0.6,
        ),
        Suspect(
            "many clients that retry at once, since what they ask fails",
            (case.failures.above(0.05, STRONG), case.rise.above(MORE)),
            usual=0.7,
        ),
        Suspect(
            "nodes decide alone, each by its share of the limits",
            (case.fallbacks.above(0.01, STRONG),),
            usual=0.5,
        ),
    ]


def before_and_refused(case: Case) -> tuple[str, Fact, Fact]:
    """The client, what it sent in the minute before it began, and the refused part of what it sends now."""
    client, since, end = case.finding.subject.id, case.finding.since, case.snapshot.covered_until
    before = _before(case, client, since)
    now, refused = case.of_client(client, max(since, end - 10), end)
    if not now:
        return client, before, Fact("", None)
    ratio = min(1.0, refused / now)
    return client, before, Fact(f"{percent(ratio)} of what it sends is refused", ratio)


def _before(case: Case, client: str, since: float) -> Fact:
    """Requests a second; not known of too short a time, and 0 of a client whose first seconds these were."""
    first_second = float(case.snapshot.first_second)
    if since - first_second < LEAST_BEFORE_SECONDS:
        return Fact("", None)
    first = case.first_seen(client, since)
    if first is None:
        return Fact("before, it was not among those that nodes list", 0.0)
    if since - first < LEAST_BEFORE_SECONDS:
        return Fact(f"it came for the first time {since - first:.0f} s before, as far as nodes tell", 0.0)
    start = max(since - BEFORE_SECONDS, first)
    rate, _ = case.of_client(client, start, since)
    newly = ", since it first came," if start == first > first_second else ","
    return Fact(f"in the {since - start:.0f} s before{newly} it sent {number(rate)} requests a second", rate)
