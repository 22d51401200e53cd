"""Causes of what is wrong with nodes."""

from gateway.contract import keys
from subject.causes.case import BUSY_PERCENT, LAG_MS, LATELY_SECONDS, Case
from subject.causes.cause import SOME, STRONG, SURE, Clue, Fact, Suspect, either
from subject.cluster import metrics
from subject.cluster.node import Node
from subject.figures import percent

TOGETHER_SECONDS = 5.0
"""Nodes that went silent within so long went together."""
NEARLY_ALL = 0.75
"""A share from which it is likely that nothing is balanced."""
JUMP_SECONDS = 0.5
"""A clock that changes by more from one second to the next was set."""


def node_down(case: Case) -> list[Suspect]:
    """A process, its host, or the network."""
    if case.finding.subject.id in case.snapshot.unanswered:
        return _address(case)
    return _unread() if case.node is None else _silent(case, case.node)


def _silent(case: Case, node: Node) -> list[Suspect]:
    snapshot = case.snapshot
    silent = [
        other.id
        for other in snapshot.nodes
        if other.state == "Down" and abs(other.last.at - node.last.at) <= TOGETHER_SECONDS
    ]
    is_alone = len(silent) <= 1
    together = f"{len(silent)} nodes went silent within {TOGETHER_SECONDS:.0f} s ({', '.join(silent[:3])})"
    others = f"{len(snapshot.up)} other nodes go on" if snapshot.up else ""
    everybody = "all nodes" if len(silent) == len(snapshot.nodes) else f"{len(silent)} nodes"
    asked = node.answered is False
    unanswered = either(asked, f"it does not answer at {node.entry.admin_address} either", "")
    rss = node.last.rss_bytes / 1e6
    return [
        Suspect(
            "its process ended without leaving in order (killed, crashed, out of memory): "
            f"start {node.id} again",
            (either(is_alone, others, together), unanswered),
        ),
        Suspect(
            "its host is gone, or cut off from Redis and here"
            if is_alone
            else f"{everybody} went silent: their host, or the network between them, Redis and here",
            (either(not is_alone, together, others, STRONG), unanswered),
            usual=0.6,
        ),
        Suspect(
            "it is overloaded, and neither writes nor answers in time",
            (
                case.loop_lag.above(LAG_MS, STRONG),
                Fact(f"it had {rss:,.0f} MB when it was last seen", rss).above(1000),
                either(asked, "", "it was not asked at /state"),
            ),
            usual=0.4,
        ),
    ]


def _address(case: Case) -> list[Suspect]:
    away = f"Redis {case.snapshot.redis.trouble}, so that only the address is known"
    return [
        Suspect(
            "that node ended: start it again", (Clue(f"nothing answers at {case.finding.subject.id}", SOME),)
        ),
        Suspect(
            "the address in SUBJECT_NODES is not its admin listener's as seen from here",
            (Clue(away, SOME),),
            usual=0.8,
        ),
    ]


def _unread() -> list[Suspect]:
    unread = "its entry cannot be read, and no new one has come"
    return [
        Suspect("a node of another version wrote it, and has ended", (Clue(unread, SOME),)),
        Suspect(
            "something that is no node wrote it (where there is no such node, remove that field of "
            f"{keys.NODES})",
            (Clue(unread, SOME),),
            usual=0.8,
        ),
    ]


def node_flapping(case: Case) -> list[Suspect]:
    """It ends, or it is not heard."""
    starts, silences = case.now("boots") or 0, case.now("silences") or 0
    told = f"{starts:.0f} starts and {silences:.0f} silences in {case.thresholds.flapping_seconds} s"
    return [
        Suspect(
            "it ends soon after its start (out of memory, a setting, a failing health check), and something "
            "starts it again: its log says why",
            (either(starts >= silences, told, told, STRONG),),
        ),
        Suspect(
            "its way to Redis comes and goes",
            (either(silences > starts, told, told, STRONG), case.loop_lag.below(LAG_MS)),
        ),
        Suspect(
            "its host stalls: too little processor or memory",
            (
                either(silences > starts, told, told),
                case.loop_lag.above(LAG_MS),
                case.cpu.above(BUSY_PERCENT),
            ),
            usual=0.7,
        ),
    ]


def node_id_conflict(case: Case) -> list[Suspect]:
    """Two that mean to be two, or one that was started twice."""
    held = case.snapshot.at - case.finding.since
    lasting = Fact(f"they have written side by side for {held:,.0f} s", held)
    return [
        Suspect(
            "NODE_ID was copied with a node's environment, or two hosts have one name",
            (lasting.above(60),),
        ),
        Suspect(
            "a node was replaced, and the one before has not left yet (it drains, or it hangs)",
            (lasting.below(60), case.went_before.above(0)),
            usual=0.6,
        ),
    ]


def config_drift(case: Case) -> list[Suspect]:
    """Who is behind, and whether a change is still under way."""
    up = case.snapshot.up
    failed = next((node for node in up if node.last.reloads.problem), None)
    return [
        *(
            [
                Suspect(
                    f"{failed.id} could not read its files anew", (Clue(failed.last.reloads.problem, SURE),)
                )
            ]
            if failed is not None
            else []
        ),
        Suspect(
            "a change of settings or files that did not reach all nodes, or that some have not reloaded "
            "(SIGHUP, or a restart)",
            (case.lasting.above(LATELY_SECONDS), case.went_before.above(0)),
        ),
        Suspect(
            "a change is being rolled out, node by node, and is not done",
            (case.lasting.below(LATELY_SECONDS), case.went_before.above(0)),
            usual=0.5,
        ),
        Suspect(
            "nodes of different versions make other tables of the same files",
            (case.versions.above(1, STRONG),),
            usual=0.5,
        ),
    ]


def clock_skew(case: Case) -> list[Suspect]:
    """Set at once, or drifted slowly; and whose clock it is."""
    nodes = case.nodes
    whose = f"{nodes[0].id}'s host" if case.node is not None else "Redis' host"
    steps = [
        abs(later.clock_skew_seconds - earlier.clock_skew_seconds)
        for node in nodes
        for earlier, later in zip(node.samples, node.samples[1:], strict=False)
    ]
    jump = max(steps, default=0.0)
    step = Fact(f"the largest step from one second to the next was {jump:.1f} s", jump)
    return [
        Suspect(
            f"nothing sets the clock of {whose} (chronyd, systemd-timesyncd)",
            (step.below(JUMP_SECONDS),),
        ),
        Suspect(
            f"the clock of {whose} was set by hand, or by a source that is wrong", (step.above(JUMP_SECONDS),)
        ),
        Suspect(
            f"{whose} was stopped for a while (a suspended machine, a moved one)",
            (step.above(JUMP_SECONDS), case.loop_lag.above(1000)),
            usual=0.5,
        ),
    ]


def node_skew(case: Case) -> list[Suspect]:
    """The load balancer, its clients, or nodes that came and went."""
    share = case.now("node_share") or 0.0
    shown = Fact(f"{case.finding.subject.id} has {percent(share)} of the requests", share)
    client = _heaviest(case)
    return [
        Suspect("the load balancer sends to one node only", (shown.above(NEARLY_ALL, STRONG),)),
        Suspect(
            "the load balancer prefers one node (weights, or fewest connections)",
            (shown.below(NEARLY_ALL), client.below(0.5)),
        ),
        Suspect(
            "few clients with long-lived connections use this node",
            (client.above(0.5, STRONG), shown.below(NEARLY_ALL)),
            usual=0.9,
        ),
        Suspect(
            "nodes were started or left, and their connections have not come back",
            (case.went_before.above(0), shown.below(NEARLY_ALL)),
            usual=0.6,
        ),
    ]


def _heaviest(case: Case) -> Fact:
    """The busiest client's part of what the node serves."""
    node = case.node
    if node is None:
        return Fact("", None)
    whole = metrics.of_node(case.snapshot, node).requests
    counts = case.by_client(node)
    if not counts or not whole:
        return Fact("no client of it is listed", None)
    client = max(counts, key=counts.__getitem__)
    part = min(1.0, counts[client] / whole)
    return Fact(f"{client} makes {percent(part)} of its requests", part)
