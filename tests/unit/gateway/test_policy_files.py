from pathlib import Path
from typing import Any

import pytest

from gateway.config.policy_files import read_policies
from gateway.config.settings import Settings
from gateway.contract.limits import parse_limits
from gateway.contract.policy_table import ClientPolicy, PolicyTable, Terms
from gateway.errors import StartError

CLIENTS = """
[plans]
gold = "50/m"
trial = { limit = "2/s", concurrency = 3, shadow = true }
[[clients]]
name = "planned"
plan = "gold"
key = "a"
[[clients]]
name = "own"
plan = "gold"
limit = "7/s"
key = "b"
[[clients]]
name = "plain"
key = "c"
"""


def table(**settings: Any) -> PolicyTable:
    return read_policies(Settings(upstream_url="http://127.0.0.1:9000", **settings)).table


@pytest.fixture
def clients_file(tmp_path: Path) -> Path:
    file = tmp_path / "clients.toml"
    file.write_text(CLIENTS)
    return file


def test_the_table_holds_what_the_clients_file_says_and_no_key(clients_file: Path) -> None:
    found = table(clients_file=clients_file)

    assert found.plans == {"gold": parse_limits("50/m"), "trial": parse_limits("2/s")}
    assert found.plan_terms == {"trial": Terms(3, shadow=True)}
    assert found.clients == {
        "planned": ClientPolicy("gold", None),
        "own": ClientPolicy("gold", parse_limits("7/s")),
        "plain": ClientPolicy(None, None),
    }
    assert found.unknown_keys == "reject"


@pytest.mark.parametrize(
    ("settings", "unknown_keys", "anonymous"),
    [
        ({}, "accept", "reject"),
        ({"unknown_keys": "reject"}, "reject", "reject"),
        ({"anonymous": "address"}, "accept", "address"),
    ],
)
def test_the_table_says_who_is_accepted(
    settings: dict[str, object], unknown_keys: str, anonymous: str
) -> None:
    found = table(**settings)

    assert (found.unknown_keys, found.anonymous) == (unknown_keys, anonymous)


def test_a_cost_that_no_limit_admits_stops_the_start_by_the_file_that_says_it(tmp_path: Path) -> None:
    file = tmp_path / "routes.toml"
    file.write_text('[[routes]]\nname = "search"\npath = "/s"\ncost = 101\n')

    with pytest.raises(StartError, match=f"^{file}: route 'search' costs 101"):
        table(routes_file=file)
