"""Causes of more traffic than usual, or less."""

from subject.causes.case import MORE, Case
from subject.causes.cause import STRONG, Fact, Suspect, either
from subject.cluster import series
from subject.figures import number, percent

BEFORE_SECONDS = 30.0
"""What a client sent before a drop is taken over so long."""


def spike_broad(case: Case) -> list[Suspect]:
    """More people, or the same ones more often."""
    return [
        Suspect("more users than usual", (case.newcomers.above(MORE, STRONG), case.failures.below(0.05))),
        Suspect(
            "a job or a deployment that many clients take part in",
            (case.newcomers.below(MORE), case.failures.below(0.05)),
        ),
        Suspect(
            "many clients repeat what failed or was refused",
            (case.failures.above(0.05, STRONG), case.refusals.above(0.2)),
            usual=0.7,
        ),
    ]


def traffic_drop(case: Case) -> list[Suspect]:
    """What is before the nodes, or who sends."""
    return _of_cluster(case) if case.node is None else _of_node(case)


def _of_cluster(case: Case) -> list[Suspect]:
    leaver = _leaver(case)
    up, expected = len(case.snapshot.up), case.snapshot.expected_up
    nodes = f"{up} of {expected} nodes are up"
    return [
        Suspect(
            "what is before the nodes: the load balancer, DNS or the network",
            (leaver.below(0.5), either(up == expected, nodes, nodes)),
        ),
        Suspect("a big client that stopped", (leaver.above(0.5, STRONG),), usual=0.8),
        Suspect(
            "clients went away, since their requests fail", (case.failures.above(0.05, STRONG),), usual=0.7
        ),
        Suspect(
            "nodes that are down took their clients with them", (either(up < expected, nodes, nodes),), 0.7
        ),
    ]


def _leaver(case: Case) -> Fact:
    """The one client's part of what is missing that lost most."""
    snapshot, since = case.snapshot, case.finding.since
    samples = list(snapshot.all_samples())
    start = max(float(snapshot.first_second), since - BEFORE_SECONDS)
    seconds = since - start
    before = series.by_client(samples, series.requests_of_clients, start, since)
    whole = series.counted(samples, series.requests, start, since)
    left = series.counted(samples, series.requests, since, snapshot.covered_until)
    after = max(1.0, snapshot.covered_until - since)
    if seconds < 1 or not before:
        return Fact("no client is listed", None)
    missing = max(whole / seconds - left / after, 1e-9)
    now = series.by_client(samples, series.requests_of_clients, since, snapshot.covered_until)
    lost = {client: count / seconds - now.get(client, 0.0) / after for client, count in before.items()}
    client = max(lost, key=lost.__getitem__)
    part = min(1.0, max(0.0, lost[client] / missing))
    less = number(max(0.0, lost[client]))
    return Fact(f"{client} sends {less} a second less, {percent(part)} of the drop", part)


def _of_node(case: Case) -> list[Suspect]:
    node = case.node
    connected = node is None or node.last.store.connected
    told = f"{case.finding.subject.id} is {'' if connected else 'not '}connected to Redis"
    return [
        Suspect(
            "the load balancer took it out (its check of /readyz fails, or cannot reach it)",
            (either(not connected, told, told), case.loop_lag.above(100)),
        ),
        Suspect(
            "the load balancer prefers others (weights, or connections that last)",
            (either(connected, told, told), case.went_before.above(0)),
            usual=0.8,
        ),
    ]


def cardinality_attack(case: Case) -> list[Suspect]:
    """Keys that are made up, or people who are real."""
    share = case.now("share_of_requests") or 0.0
    once = Fact(f"{percent(share)} of all requests come from a client that is new", share)
    table = case.snapshot.policies.table
    accepted = table is None or table.unknown_keys == "accept"
    keys = f"nodes {'accept' if accepted else 'refuse'} unknown keys"
    return [
        Suspect(
            "somebody makes up keys to get round the limit: GATEWAY_ADDRESS_LIMIT bounds what one address "
            "gets over all unknown keys, and GATEWAY_UNKNOWN_KEYS=reject refuses them",
            (once.above(0.5), either(accepted, keys, keys)),
        ),
        Suspect(
            "many new users came at once",
            (once.below(0.5), case.rise.above(MORE)),
            usual=0.7,
        ),
        Suspect(
            "a client draws a new key for each run or each worker",
            (once.above(0.8), case.rise.below(MORE)),
            usual=0.5,
        ),
    ]
