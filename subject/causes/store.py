"""Causes of what is wrong with Redis, or with the way to it."""

from gateway.contract.redis_errors import is_known
from subject.causes.case import BUSY_PERCENT, COUNTER_BYTES, FULL, LAG_MS, MORE, Case
from subject.causes.cause import SOME, STRONG, SURE, Clue, Fact, Suspect, either
from subject.cluster.node import told_by
from subject.figures import number

REFUSED = "refused"
"""What a system says of a port where nobody listens."""


def store_slow(case: Case) -> list[Suspect]:
    """Redis, the way to it, or the nodes themselves: where the time goes."""
    allowed = case.now("store_p50_allowed") or case.thresholds.store_slow_ms
    slow, asking = case.now("nodes_slow") or 0, len(case.snapshot.up)
    everywhere = f"{slow:.0f} of {asking} nodes wait"
    return [
        Suspect(
            "the network between the nodes and Redis, since Redis answers the subject quickly"
            if case.round_trip.below(allowed / 2).times > 1
            else "the network between the nodes and Redis",
            (
                case.round_trip.below(allowed / 2, STRONG),
                either(slow < asking, everywhere, ""),
                case.loop_lag.below(LAG_MS),
            ),
        ),
        Suspect(
            "Redis is loaded (slow commands, swapping, a fork for saving)",
            (
                case.round_trip.above(allowed / 2, STRONG),
                either(slow >= asking > 1, everywhere, everywhere),
                case.memory.above(FULL),
            ),
        ),
        Suspect(
            "the nodes are short of processor: it is their own work that waits",
            (case.loop_lag.above(LAG_MS, STRONG), case.cpu.above(BUSY_PERCENT, STRONG)),
            usual=0.7,
        ),
        Suspect(
            "a flood of requests or of new clients, each with its counters",
            (case.rise.above(MORE), case.newcomers.above(MORE * 2)),
            usual=0.7,
        ),
    ]


def store_down(case: Case) -> list[Suspect]:
    """Who cannot reach it tells why: all, the nodes alone, or the subject alone."""
    if not case.snapshot.redis.connected:
        return _unreachable(case)
    return _of_others(case) if not case.now("nodes_without_redis") else _unused(case)


def _of_others(case: Case) -> list[Suspect]:
    up = len(case.snapshot.up)
    decide = Clue(f"{up} nodes that answer at SUBJECT_NODES decide by Redis, and none wrote here", STRONG)
    return [
        Suspect("the subject's REDIS_URL leads to another Redis or database than the nodes'", (decide,)),
        Suspect("SUBJECT_NODES names nodes of another cluster", (decide,), usual=0.3),
        Suspect("nodes lack the right to write their records there", (decide,), usual=0.2),
    ]


def _unused(case: Case) -> list[Suspect]:
    limit_ms = case.thresholds.store_slow_ms
    told = told_by(case.snapshot.up)
    return [
        *(
            [Suspect(told, (Clue(f"{len(case.snapshot.up)} nodes that are up decide without it", SURE),))]
            if told
            else []
        ),
        Suspect(
            "the network between the nodes and Redis",
            (case.round_trip.below(limit_ms), case.loop_lag.below(LAG_MS)),
        ),
        Suspect(
            "Redis is slower than the nodes' deadline (GATEWAY_STORE_DEADLINE)",
            (case.round_trip.above(limit_ms, STRONG), case.memory.above(FULL)),
        ),
        Suspect(
            "the nodes' REDIS_URL or their rights in Redis",
            (case.went_before.above(0, STRONG),),
            usual=0.5,
        ),
    ]


def _unreachable(case: Case) -> list[Suspect]:
    redis, up = case.snapshot.redis, len(case.snapshot.up)
    if redis.refuses:
        return [
            Suspect(f"Redis {redis.trouble}", (Clue(f"it answers the subject: {redis.problem}", SURE),)),
            Suspect("the subject's user or password (REDIS_URL), where nodes still decide", (_still(case),)),
        ]
    told = told_by(case.snapshot.up)
    without = case.now("nodes_without_redis") or 0
    nobody = f"{without:.0f} of {up} nodes that answer decide without it"
    listens = f"the subject's connection: {redis.problem}"
    return [
        *([Suspect(told, (Clue(told, SURE),))] if is_known(told) else []),
        Suspect(
            f"Redis is stopped or cut off ({redis.problem}): start it again",
            (
                either(without >= up > 0, nobody, nobody, STRONG),
                either(REFUSED in redis.problem, listens, ""),
            ),
        ),
        Suspect(
            f"the network between Redis and some of its clients ({redis.problem})",
            (
                either(0 < without < up, nobody, nobody, STRONG),
                either(REFUSED not in redis.problem, listens, ""),
            ),
        ),
        Suspect(f"the subject's own way to Redis, or its REDIS_URL ({redis.problem})", (_still(case),)),
    ]


def _still(case: Case) -> Clue:
    up, without = len(case.snapshot.up), case.now("nodes_without_redis") or 0
    told = f"{up - without:.0f} of {up} nodes decide by Redis"
    return either(not without, told, told, STRONG) if up else Clue("", 1.0)


def fallback_active(case: Case) -> list[Suspect]:
    """Where no other finding explains it: this node's own way, or its own load."""
    told = told_by(case.nodes)
    who = case.finding.subject.id if case.node is not None else "the nodes"
    others = len(case.others) if case.node is not None else 0
    alone = f"{others} other nodes decide by Redis"
    return [
        *([Suspect(told, (Clue(told, SURE),))] if told else []),
        Suspect(
            f"the way from {who} to Redis",
            (
                either(others > 0, alone, "", STRONG),
                case.loop_lag.below(LAG_MS),
                case.round_trip.below(case.thresholds.store_slow_ms),
            ),
        ),
        Suspect(
            f"{who} is short of processor, by its own load or by what runs beside it"
            if case.node is not None
            else "the nodes are short of processor, by their own load or by what runs beside them",
            (case.loop_lag.above(LAG_MS, STRONG), case.cpu.above(BUSY_PERCENT)),
        ),
        Suspect(
            "Redis now and then answers later than the deadline (GATEWAY_STORE_DEADLINE)",
            (
                case.round_trip.above(case.thresholds.store_slow_ms, STRONG),
                either(others > 0, "", f"{case.now('by_redis') or 0:.0f} decisions were by Redis meanwhile"),
            ),
        ),
    ]


def store_evicting(case: Case) -> list[Suspect]:
    """Too little room, or too much in it."""
    snapshot = case.snapshot
    ours, used = COUNTER_BYTES * snapshot.clients, snapshot.redis.used_bytes
    known = snapshot.redis.connected and used > 0
    foreign = Fact(
        f"counters of {snapshot.clients:,} clients seen take {number(ours / 1e6)} MB at most, of "
        f"{number(used / 1e6)} MB used",
        ours / used if known else None,
    )
    return [
        Suspect(
            "maxmemory is too small for the clients that are active",
            (case.memory.above(FULL, STRONG), foreign.above(0.5, STRONG), case.newcomers.below(MORE * 2)),
        ),
        Suspect("something else fills this Redis", (foreign.below(0.5, STRONG), case.memory.above(FULL))),
        Suspect(
            "many new clients came at once, each with its counters",
            (case.newcomers.above(MORE * 2, STRONG), foreign.above(0.5, SOME)),
        ),
    ]


def override_malformed(case: Case) -> list[Suspect]:
    """Who else writes where only the subject should."""
    if case.now("overrides_readable") is not None:
        return _unreadable(case)
    refusing, up = case.now("nodes_refusing") or 0, len(case.snapshot.up)
    by_all = f"{refusing:.0f} of {up} nodes refuse it"
    many = (case.now("malformed_fields") or 0) > 1
    return [
        Suspect(
            "something that is no subject writes there" if many else "it was written by hand",
            (either(refusing >= up > 0, by_all, by_all),),
        ),
        Suspect(
            "a subject of another version wrote it",
            (either(refusing < up, by_all, by_all), case.versions.above(1)),
            usual=0.7,
        ),
    ]


def _unreadable(case: Case) -> list[Suspect]:
    """All of it."""
    problem = case.snapshot.policies.problem
    refusing, up = case.now("nodes_refusing") or 0, len(case.snapshot.up)
    neither = f"the subject cannot read it either: {problem}"
    return [
        Suspect(
            "something that is no subject wrote there",
            (either(bool(problem), neither, "the subject can read it"),),
        ),
        Suspect(
            "nodes lack a right that they need for it",
            (either(not problem, f"the subject can read it, {refusing:.0f} of {up} nodes cannot", ""),),
        ),
    ]
