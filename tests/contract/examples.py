"""One example of every record of the contract, and of every kind of name in it."""

from gateway.contract.limits import parse_limits
from gateway.contract.overrides import Override
from gateway.contract.policy_table import ClientPolicy, PolicyTable, Terms
from gateway.contract.records import (
    AuditRecord,
    ClientCount,
    LiveChanges,
    Refusal,
    RefusedBy,
    Reloads,
    RosterEntry,
    StoreStatus,
    TelemetryRecord,
    Totals,
    UpstreamTotals,
)
from gateway.contract.routes import Route

TELEMETRY = TelemetryRecord(
    node_id="node-1",
    boot_id="5f3a9c0e",
    sequence=42,
    at=1_700_000_000.25,
    started_at=1_699_999_958.5,
    leaving=False,
    boot=Totals(requests=100, admitted=80, refused=15, failed=3, unidentified=2, denied=4, shadow_refused=6),
    carried=Totals(requests=10, admitted=10),
    malformed=1,
    upstream=UpstreamTotals(answered=80, server_errors=2, broken=1, timed_out=1),
    store=StoreStatus(
        connected=True, decisions=95, fallbacks=3, discarded=1, trouble="it is a replica", evicted=7
    ),
    latency=((88, 60), (96, 20)),
    upstream_latency=((84, 80),),
    store_latency=((72, 40), (73, 2)),
    in_flight=4,
    loop_lag_seconds=0.002,
    cpu_seconds=1.5,
    rss_bytes=52_428_800,
    clock_skew_seconds=-0.0125,
    clients=("00ab5c4d1e2f", "7f0000000001"),
    busiest=(ClientCount("acme", 70, 0), ClientCount("k_0123456789abcdef", 30, 1)),
    most_refused=(ClientCount("acme", 15, 0),),
    overrides=LiveChanges(
        fields=5,
        malformed=1,
        names=("limit:acme",),
        since=1_700_000_000.0,
        version=17,
        taken_at=1_699_999_995.75,
    ),
    reloads=Reloads(done=2, failed=1, at=1_699_999_990.5, problem="clients.toml: not TOML"),
    new_clients=9,
    workers=2,
)

ROSTER_ENTRY = RosterEntry(
    address="10.0.0.1:8080",
    admin_address="10.0.0.1:9080",
    version="0.1.0",
    policy_digest="0123456789abcdef",
    last=TELEMETRY,
)

POLICY_TABLE = PolicyTable(
    default=parse_limits("100/m"),
    unknown_keys="accept",
    on_store_failure="local",
    plans={"gold": parse_limits("1000/m"), "bronze": parse_limits("10/m")},
    clients={
        "acme": ClientPolicy(plan="gold"),
        "beta": ClientPolicy(plan="bronze", limit=parse_limits("50/s")),
        "zeta": ClientPolicy(concurrency=0, shadow=True),
    },
    plan_terms={"gold": Terms(concurrency=20), "bronze": Terms(concurrency=2, shadow=False)},
    default_concurrency=5,
    address_limit=parse_limits("1000/m"),
    routes=(
        Route(
            "search",
            "/api/search",
            ("GET", "POST"),
            parse_limits("5/s,1000/d"),
            cost=3,
            host="*.example.org",
            upstream="search",
        ),
        Route("all", "/", (), parse_limits("50/s"), shadow=True),
    ),
    exempt=("OPTIONS", "GET /health", "/assets/*"),
    allow=("zeta", "10.0.0.0/8"),
    deny=("k_0123456789abcdef", "2001:db8::/32"),
    anonymous="address",
)

OVERRIDE = Override(
    limit=parse_limits("500/m"),
    by="ana",
    at=1_700_000_000.0,
    why="launch day – agreed",
    until=1_700_086_400.0,
)

AUDIT_RECORD = AuditRecord(
    at=1_700_000_000.0,
    by="ana",
    action="set",
    client="acme",
    before=None,
    after="500/m",
    why="launch day",
    until=1_700_086_400.0,
)

REFUSAL = Refusal(
    request_id="9d3c0f5e6a7b8c9d9d3c0f5e6a7b8c9d",
    at=1_700_000_000.25,
    client="acme",
    cost=3,
    by=(RefusedBy("gold/s", parse_limits("10/s"), 2, 0.75),),
    concurrency=20,
)

RECORDS = (TELEMETRY, ROSTER_ENTRY, POLICY_TABLE, OVERRIDE, AUDIT_RECORD, REFUSAL)
