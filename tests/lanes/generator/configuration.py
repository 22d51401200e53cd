"""Settings of a pair of nodes that differ in nothing but the lane."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

CLIENTS = """
[plans]
gold = "1000/m,20/s"

[[clients]]
name = "acme"
key = "acme-key"
plan = "gold"

[[clients]]
name = "beta"
key = "beta-key"
limit = "7/m"
concurrency = 1

[[clients]]
name = "bad"
key = "bad-key"
"""
ROUTES = """
[upstreams]
other = "http://other.example:81"
pair = "http://one.example:82,http://two.example:83"

[[routes]]
name = "search"
path = "/search"
limit = "5/s"
cost = 3

[[routes]]
name = "posts"
path = "/a"
methods = ["POST", "PUT"]
upstream = "other"

[[routes]]
name = "pair"
path = "/"
host = "pair.example"
upstream = "pair"
limit = "50/m"
shadow = true
"""

_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "trusted_proxies": ("127.0.0.0/8, 10.0.0.1",),
    "forward_key": (False,),
    "client_header": ("X-Client-Id",),
    "key_header": ("X-API-Key", "X-API-Key", "X-Token-1"),
    "ratelimit_headers": ("legacy", "both", "off"),
    "routes_file": (ROUTES,),
    "default_concurrency": (1,),
    "default_limit": ("1000/m", "10/s,500/m"),
    "exempt": ("GET /health, OPTIONS, /assets/*",),
    "max_body_bytes": (40,),
    "on_store_failure": ("open", "closed"),
    "request_timeout": (3.0,),
    "upstream_connections": (1,),
    "upstream_idle_timeout": (0.5, 4.0),
    "shadow": (True,),
    "access_log": (0.5,),
}
_OF_CLIENTS: tuple[Mapping[str, Any], ...] = (
    {"clients_file": CLIENTS},
    {"clients_file": CLIENTS, "deny": "bad, 192.0.2.0/24", "allow": "beta"},
    {"clients_file": CLIENTS, "deny": "bad, 192.0.2.9", "anonymous": "address", "address_limit": "20/m"},
    {"anonymous": "address"},
    {"anonymous": "address", "address_limit": "20/m"},
    {"deny": "192.0.2.0/24", "allow": "198.51.100.7"},
    {"unknown_keys": "reject"},
    {"address_limit": "30/m"},
)
_USUAL: Mapping[str, Any] = {
    "node_id": "node-1",
    "upstream_url": "http://service.example:80",
    "upstream_timeout": 5.0,
    "upstream_idle_timeout": 60.0,
    "access_log": 1.0,
}


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings beside the usual ones, by name; of files their text."""

    chosen: tuple[tuple[str, Any], ...] = ()

    def settings(self, folder: Path) -> dict[str, Any]:
        """As `Settings` takes them, with files in `folder`."""
        given = {**_USUAL, **dict(self.chosen)}
        for name in ("clients_file", "routes_file"):
            if name in given:
                path = folder / f"{name}.toml"
                path.write_text(given[name])
                given[name] = path
        return given


def configuration(chance: Random) -> Configuration:
    """Some of them: often few."""
    chosen: dict[str, Any] = {}
    if chance.random() < 0.8:
        odds = chance.choice((0.1, 0.25))
        chosen = {name: chance.choice(values) for name, values in _CHOICES.items() if chance.random() < odds}
        if chance.random() < 0.4:
            chosen.update(chance.choice(_OF_CLIENTS))
    if chance.random() < 0.4:
        chosen["access_log"] = 0.0
    return Configuration(tuple(chosen.items()))
