"""Why a client is refused, or is not: what its policies say, what stands in its windows, at which nodes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Literal

from gateway.contract.client_id import is_address_id
from gateway.contract.limits import Limits
from gateway.contract.policy_table import Policy
from subject.cluster.metrics import of_node
from subject.cluster.node import Node
from subject.cluster.policies import Policies
from subject.cluster.samples import Sample
from subject.cluster.snapshot import RATE_SECONDS, Snapshot
from subject.cluster.windows import ClientWindow
from subject.detectors import onset
from subject.figures import moment, number
from subject.why.origins import Origin, origins

Verdict = Literal["refused", "lately", "full", "admitted", "denied", "allowed", "shadow", "unknown"]
"""refused: it is being refused. lately: it was, and has room now. full: it would be. shadow: it would be, if
its policy refused. denied, allowed: it is on that list. unknown: Redis does not tell."""

GAP_SECONDS = 15
"""Refusals with no longer pauses are one run."""


@dataclass(frozen=True, slots=True)
class AtNode:
    """The client at a node that is up, over the last ten seconds, as far as the node lists it.

    `alone_ratio` is of the node's decisions, those without Redis. `limit` is set where the node enforces
    another one than most do.
    """

    node: str
    rate: float
    refused_rate: float
    alone_ratio: float
    limit: Limits | None


@dataclass(frozen=True, slots=True)
class Run:
    """Refusals without a longer pause: how many, from when until when at the latest, by Redis' clock."""

    since: float
    until: float
    refused: int
    is_whole: bool  # False: it began before what was looked at


@dataclass(frozen=True, slots=True)
class Why:
    """The answer; times are by Redis' clock."""

    at: float
    client: str
    verdict: Verdict
    summary: str
    policy: Policy | None
    origins: tuple[Origin, ...]
    windows: tuple[ClientWindow, ...]
    nodes: tuple[AtNode, ...]
    run: Run | None
    next_at: float | None  # when a request passes again; None: at once, never, or it is not known
    notes: tuple[str, ...]


def why(snapshot: Snapshot, client: str) -> Why:
    """All of it, of a client whose windows were read with those of its routes."""
    policies = snapshot.policies
    windows = tuple(snapshot.windows_by_client.get(client, [])) if snapshot.redis.connected else ()
    nodes = tuple(_at_nodes(snapshot, client))
    run = _run(snapshot, client)
    verdict = _verdict(snapshot, client, run, windows)
    next_at = max((window.room_at or 0.0 for window in _own_and_full(windows)), default=None)
    return Why(
        at=snapshot.at,
        client=client,
        verdict=verdict,
        summary=_summary(snapshot, client, verdict, windows, nodes),
        policy=policies.applied_to(client),
        origins=origins(policies, client, snapshot.at),
        windows=windows,
        nodes=nodes,
        run=run,
        next_at=None if verdict in ("denied", "allowed", "shadow") else next_at,
        notes=tuple(_notes(snapshot, client, nodes)),
    )


def _own_and_full(windows: Sequence[ClientWindow]) -> list[ClientWindow]:
    return [window for window in windows if window.room_at is not None and not window.is_of_a_route]


def refusals(client: str) -> Callable[[Sample], float]:
    """How many of a client's requests a sample has that were refused."""
    return lambda sample: sample.refused_by_client.get(client, 0)


def _run(snapshot: Snapshot, client: str) -> Run | None:
    """Its last refusals, until the last record that has any: the last one was in the second before that."""
    of_client = refusals(client)
    run = run_of(snapshot.cluster_seconds(of_client), snapshot.first_second)
    if run is None:
        return None
    return replace(run, until=max(one.end for one in snapshot.all_samples() if of_client(one) > 0))


def run_of(row: Sequence[float], first_second: int) -> Run | None:
    """The last refusals of a series by second; None where there are none near its end."""
    refused_at = [place for place, refused in enumerate(row) if refused > 0]
    if not refused_at or len(row) - refused_at[-1] > GAP_SECONDS:
        return None
    start = onset.run(refused_at[-1], lambda place: row[place] > 0, 0, GAP_SECONDS)
    last = first_second + refused_at[-1] + 1
    return Run(first_second + start, last, round(sum(row[start:])), start > GAP_SECONDS)


def _verdict(snapshot: Snapshot, client: str, run: Run | None, windows: Sequence[ClientWindow]) -> Verdict:
    policies = snapshot.policies
    full = _own_and_full(windows)
    applied = policies.applied_to(client)
    if policies.table is not None and _is_listed(client, policies.table.deny):
        return "denied"
    if policies.table is not None and _is_listed(client, policies.table.allow):
        return "allowed"
    if applied is not None and applied.shadow:
        return "shadow" if full else "admitted"
    if run is not None:
        has_room = snapshot.redis.connected and not any(one.room_at for one in windows)
        return "lately" if has_room else "refused"
    if full:
        return "full"
    return "unknown" if applied is None or not snapshot.redis.connected else "admitted"


def _is_listed(client: str, entries: Sequence[str]) -> bool:
    """Whether a list names this client, or a network that this address is in."""
    if client in entries or not is_address_id(client):
        return client in entries
    address = ip_network(client)
    for entry in entries:
        try:
            network = ip_network(entry)
        except ValueError:
            continue
        if network.version == address.version and address.subnet_of(network):  # type: ignore[arg-type] # of one version
            return True
    return False


def _summary(
    snapshot: Snapshot,
    client: str,
    verdict: Verdict,
    windows: Sequence[ClientWindow],
    nodes: Sequence[AtNode],
) -> str:
    rate = sum(node.rate for node in nodes)
    refused = sum(node.refused_rate for node in nodes)
    used_up = [window for window in windows if window.room_at is not None]
    by = ", ".join(f"{window.name} ({window.count:,} of {window.limit:,})" for window in used_up)
    if verdict == "denied":
        return f"{client} is refused with 403, whatever it sends: it is on the deny list (GATEWAY_DENY)"
    if verdict == "allowed":
        return f"{client} is never refused for a limit: it is on the allow list (GATEWAY_ALLOW)"
    if verdict == "shadow":
        return f"{client} is let through, though {by} is used up: its policy is in shadow"
    if verdict == "full":
        return f"{client} has not just been refused, but would be: {by} is used up"
    if verdict == "refused":
        rates = f"{number(refused)} of its {number(max(rate, refused))} requests a second"
        return f"{client} is being refused: {rates}" + (f", by {by}" if by else "")
    if verdict == "lately":
        return f"{client} was refused lately, and each of its windows has room now"
    if verdict == "unknown":
        reason = "no node has published its limits"
        if not snapshot.redis.connected:
            reason = f"its limits stand in Redis, which {snapshot.redis.trouble}"
        return f"Whether {client} is refused is not known: {reason}"
    return (
        f"{client} is not being refused: {number(rate)} requests a second, and each of its windows has room"
    )


def _at_nodes(snapshot: Snapshot, client: str) -> Iterator[AtNode]:
    usual = snapshot.policies.applied_to(client)
    for node in snapshot.up:
        requests = snapshot.lately(lambda sample: sample.requests_by_client.get(client, 0), (node,))
        refused = snapshot.lately(refusals(client), (node,))
        limit = _limit_at(snapshot.policies, node, client)
        is_other = limit is not None and usual is not None and limit != usual.limits
        yield AtNode(
            node=node.id,
            rate=round(max(requests, refused) / RATE_SECONDS, 3),
            refused_rate=round(refused / RATE_SECONDS, 3),
            alone_ratio=of_node(snapshot, node).fallback_ratio,
            limit=limit if is_other else None,
        )


def _limit_at(policies: Policies, node: Node, client: str) -> Limits | None:
    """By the table that this node enforces."""
    table = policies.tables.get(node.entry.policy_digest)
    return None if table is None else table.policy_of(client, policies.overrides).limits


def _notes(snapshot: Snapshot, client: str, nodes: Sequence[AtNode]) -> Iterator[str]:
    """What else may refuse it, or explain it."""
    policies, table = snapshot.policies, snapshot.policies.table
    applied = policies.applied_to(client)
    if applied is not None and applied.concurrency:
        yield (
            f"More than {applied.concurrency:,} of its requests in flight at one node are refused too; "
            "how many there are, records do not tell"
        )
    if nodes and not any(node.rate for node in nodes):
        yield "No node lists it among its busiest clients of the last ten seconds"
    for node in nodes:
        if node.alone_ratio:
            yield f"{node.node} decides without Redis, with a share of the limit only: subject diagnose"
        if node.limit is not None:
            yield f"{node.node} enforces another limit: {node.limit} (config_drift)"
    is_by_key = not is_address_id(client) and (table is None or client not in table.clients)
    if table is not None and table.address_limit is not None and is_by_key:
        of_all = f"Its address may send {table.address_limit} in all without a registered key"
        yield f"{of_all}: subject why ADDRESS"
    for each in snapshot.nodes:
        reloads = each.last.reloads
        if each.is_up and reloads.at is not None and snapshot.at - reloads.at < 3600:
            failed = f", in vain: {reloads.problem}" if reloads.problem else ""
            yield f"{each.id} read its files anew at {moment(reloads.at, snapshot.at)}{failed}"
