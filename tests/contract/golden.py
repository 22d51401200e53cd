"""What the contract looks like from outside. ``python -m tests.contract.golden`` writes it to golden.json."""

import json
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from gateway.contract import clients, keys, overrides, policy_table, sketches, window
from gateway.contract.client_id import DEFAULT_SECRET, address_id, key_digest, unknown_client_id
from gateway.contract.limits import LimitSyntaxError, parse_limits
from gateway.contract.records import STREAM_FIELD, encode
from tests.contract.examples import POLICY_TABLE, RECORDS

FILE = Path(__file__).with_name("golden.json")
AT = 1_700_000_000_123_456


def read() -> dict[str, Any]:
    """What it looked like when the file was written."""
    golden: dict[str, Any] = json.loads(FILE.read_text())
    return golden


def observe() -> dict[str, Any]:
    """What it looks like now."""
    return {
        "keys": _keys(),
        "records": {type(record).__name__: encode(record) for record in RECORDS},
        "limits": {text: _limit(text) for text in LIMITS},
        "client ids": {
            "key 'demo' with the default secret": unknown_client_id("demo", DEFAULT_SECRET),
            "key 'demo' with the secret 'other'": unknown_client_id("demo", "other"),
            "digest of the key 'demo'": key_digest("demo"),
            "an address": address_id(ip_address("203.0.113.7")),
            "an address of IPv6": address_id(ip_address("2001:db8:1:2:3::4")),
            "client of the key 'demo'": clients.parse_clients(CLIENTS_FILE).identify("demo"),
        },
        "windows": {f"{seconds} s": _window(seconds) for seconds in (1, 10, 60, 3600, 86_400)},
        "sketches": {
            "client 'acme'": sketches.client_digest("acme"),
            "size": sketches.SKETCH_SIZE,
            "bucket of a duration": {
                f"{s:g} s": sketches.bucket(s) for s in (0.0, 1e-6, 1e-3, 0.05, 1.0, 1e9)
            },
        },
        "policy table's digest": POLICY_TABLE.digest(),
        "windows of a policy": list(policy_table.window_names("gold", parse_limits("10/s,500/m"))),
    }


LIMITS = (
    "1/s",
    "100/m",
    "200/10s",
    "120/60s",
    "24/24h",
    "5/2h",
    " 1/d ",
    "0/m",
    "1/0s",
    "1/367d",
    "100",
    "1/w",
    "10/s,5/m",
    "10000/d, 10/s,500/m",
    "10/s,20/s",
)
CLIENTS_FILE = '[plans]\ngold = "1000/m"\n[[clients]]\nname = "acme"\nplan = "gold"\nkey = "demo"\n'


def _keys() -> dict[str, str]:
    return {
        "a client's window": keys.window("acme", keys.CLIENT_SCOPE, 60, 3),
        "a client's window of a route": keys.window("acme", keys.route_scope("search"), 60, 3),
        "an address' window": keys.window("2001:db8::/64", keys.ADDRESS_SCOPE, 60, 0),
        "roster": keys.NODES,
        "policy table": keys.policy_table("0123456789abcdef"),
        "telemetry": keys.TELEMETRY,
        "history": keys.HISTORY,
        "field of telemetry": STREAM_FIELD,
        "overrides": keys.OVERRIDES,
        "field of a limit": overrides.LIMIT_FIELD + "acme",
        "field of a generation": overrides.GENERATION_FIELD + "acme",
        "field of the version": overrides.VERSION_FIELD,
        "channel of changes": keys.CHANGES,
        "announcement of a change": str(overrides.Announcement(17, "acme")),
        "somebody changes a client's limit": keys.editing("acme"),
        "audit": keys.AUDIT,
        "field of audit": STREAM_FIELD,
        "seconds a policy table lives": str(policy_table.LIFETIME_SECONDS),
    }


def _limit(text: str) -> str | None:
    try:
        return str(parse_limits(text))
    except LimitSyntaxError:
        return None


def _window(seconds: int) -> dict[str, int]:
    return {
        "B": window.SUB_INTERVALS,
        "E": window.stamp_tolerance(seconds),
        "now": window.sub_interval(AT, seconds),
        "oldest counted": window.oldest_counted(AT, seconds),
        "newest counted": window.newest_counted(AT, seconds),
        "oldest kept": window.oldest_kept(AT, seconds),
        "now leaves at": window.leaves_at(window.sub_interval(AT, seconds), seconds),
        "lifetime in ms": window.key_lifetime_ms(seconds),
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(observe(), indent=2, ensure_ascii=False) + "\n")
