"""override_malformed: a live change that cannot be read, by nodes or by the subject, or all of them."""

import re

from gateway.contract import keys
from gateway.contract.client_id import is_client_id
from gateway.contract.overrides import GENERATION_FIELD, LIMIT_FIELD
from gateway.contract.records import MAX_MALFORMED_NAMES, MAX_NAME_LENGTH, NOT_A_HASH, as_published
from subject.cluster.node import Node
from subject.cluster.snapshot import Snapshot
from subject.figures import clock
from subject.finding import CLUSTER, Evidence, Finding, Target
from subject.thresholds import Thresholds

SEEN = 0.99
"""Confidence: somebody has just failed to read it; nothing is concluded."""
REDIS_CLI = 'redis-cli -u "$REDIS_URL"'
_PLAIN = re.compile(r"[A-Za-z0-9:._@-]+", re.ASCII)


def override_malformed(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """By what the subject reads now, and what the nodes that are up published last."""
    del thresholds
    if not snapshot.redis.connected:
        return []  # what was read before says nothing of now
    troubled = tuple(node for node in snapshot.up if node.last.overrides.problem)
    if snapshot.policies.problem or troubled:
        return [_of_all(snapshot, troubled)]
    refusing = tuple(node for node in snapshot.up if node.last.overrides.malformed)
    own = {as_published(name) for name in snapshot.policies.overrides.malformed}
    names = sorted(own.union(*(node.last.overrides.names for node in refusing)))
    number = max(len(names), *(node.last.overrides.malformed for node in refusing), 0)
    if number == len(names) <= MAX_MALFORMED_NAMES:
        return [_of_field(snapshot, name, _naming(refusing, name)) for name in names]
    return [_of_many(snapshot, names, number, refusing)]


def _naming(refusing: tuple[Node, ...], name: str) -> tuple[Node, ...]:
    return tuple(node for node in refusing if name in node.last.overrides.names)


def _of_field(snapshot: Snapshot, name: str, refusing: tuple[Node, ...]) -> Finding:
    _, _, client = name.partition(":")
    action, verify = _mending(name)
    return _finding(
        snapshot,
        refusing,
        target=Target("client", client) if is_client_id(client) else CLUSTER,
        what=f"{name} in {keys.OVERRIDES} cannot be read and is not applied",
        evidence=Evidence("malformed_fields", None, 1, f"malformed field: {name}"),
        action=action,
        verify=verify,
    )


def _of_many(snapshot: Snapshot, names: list[str], number: int, refusing: tuple[Node, ...]) -> Finding:
    action, verify = _mending(names[0] if names else "")  # a node may count them only
    among = f", {names[0]} among them" if names else ""
    fields = "1 field" if number == 1 else f"{number:,} fields"
    return _finding(
        snapshot,
        refusing,
        target=CLUSTER,
        what=f"{fields} in {keys.OVERRIDES} cannot be read or applied{among}",
        evidence=Evidence(
            "malformed_fields", None, number, f"malformed fields: {', '.join(names[:MAX_MALFORMED_NAMES])}, …"
        ),
        action=action,
        verify=verify,
    )


def _of_all(snapshot: Snapshot, troubled: tuple[Node, ...]) -> Finding:
    problem = snapshot.policies.problem
    if not problem:
        problem = f"{troubled[0].id} cannot read {keys.OVERRIDES}: {troubled[0].last.overrides.problem}"
    return _finding(
        snapshot,
        troubled,
        target=CLUSTER,
        what=f"No live change is taken over: {problem}",
        evidence=Evidence("overrides_readable", 1, 0, "boolean"),
        action=f"{REDIS_CLI} RENAME {keys.OVERRIDES} {keys.OVERRIDES}-set-aside"
        if NOT_A_HASH in problem
        else f"{REDIS_CLI} HLEN {keys.OVERRIDES}",
        verify="subject diagnose",
    )


def _mending(name: str) -> tuple[str, str]:
    """What to do about a field, and how to look again."""
    kind, colon, client = name.partition(":")
    if is_client_id(client):
        if kind + colon == LIMIT_FIELD:
            return f"subject limits unset {client}", f"subject limits get {client}"
        if kind + colon == GENERATION_FIELD:
            return f"subject reset {client}", "subject diagnose"
    if len(name) < MAX_NAME_LENGTH and _PLAIN.fullmatch(name):
        return f"{REDIS_CLI} HDEL {keys.OVERRIDES} {name}", "subject diagnose"
    return f"{REDIS_CLI} HKEYS {keys.OVERRIDES}", "subject diagnose"


def _finding(
    snapshot: Snapshot,
    refusing: tuple[Node, ...],
    *,
    target: Target,
    what: str,
    evidence: Evidence,
    action: str,
    verify: str,
) -> Finding:
    known = [node.last.overrides.since for node in refusing if node.last.overrides.since is not None]
    since = min([*known, snapshot.at])
    who = f"{len(refusing)} of {len(snapshot.up)} nodes keep what they last could read, since {clock(since)}"
    return Finding(
        code="override_malformed",
        severity="warning",
        since=since,
        at=snapshot.at,
        subject=target,
        summary=f"{what}; {who}" if refusing else what,
        evidence=(evidence, Evidence("nodes_refusing", len(snapshot.up), len(refusing), "nodes")),
        confidence=SEEN,
        suggested_action=action,
        verify_with=verify,
    )
