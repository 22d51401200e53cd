"""What is printed of limits: where they come from, and very many of them."""

import json
import re
import sys
from types import FrameType

import pytest

from subject.output import documents
from subject.output.console import PLAIN_WIDTH
from tests.unit.subject.builders import (
    START,
    always,
    cluster,
    even,
    policies,
    record,
    snapshot,
)
from tests.unit.subject.output.shown import EVERYTHING, HEALTHY, shown


def test_limits_tells_all_that_nodes_have_published() -> None:
    text = shown("limits", EVERYTHING, width=200)

    assert [line.rstrip() for line in text.splitlines() if not line.startswith(("client", " "))] == [
        "Default 10/s,500/m, 5 at once",
        "Each address 700/m without a registered key",
        "Without a key: each address (of IPv6 each /64) is a client, under the default limit",
        "Route search: GET /api/search, 5/s a client, each request counts as 3",
        "Route pages: *.example.org/, to pages",
        "Route rest: /, 50/s in shadow a client",
        "Exempt: OPTIONS, GET /health",
        "Allowed: acme",
        "Denied: 10.0.0.0/8",
        "All in shadow: counted and told, and nobody is refused for a limit",
        "acme            9/s (client), 5 at once in shadow          4     5",
    ]
    assert re.search(r"^  client +9/s +4 +5 *$", text, re.MULTILINE)
    assert re.search(r"^  route/search +5/s +5 +0 *$", text, re.MULTILINE)


MANY = [f"client-{number:04}" for number in range(1000)]
LIVE = MANY[900]
OF_MANY = cluster(
    *even(always(60)),
    seconds=30,
    policies=policies(clients=dict.fromkeys(MANY, "9/s"), overrides={LIVE: "7/s"}),
)


def test_of_very_many_limits_a_terminal_has_some_the_live_ones_first() -> None:
    lines = shown("limits", OF_MANY, clients=MANY).splitlines()
    rows = [line.split()[0] for line in lines if line.startswith("client-")]

    assert rows == [LIVE, *MANY[:199]]
    assert lines[-1] == "and 800 more: subject limits | less"


def test_without_a_terminal_there_are_all_and_each_costs_little() -> None:
    calls = 0

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        text = shown("limits", OF_MANY, PLAIN_WIDTH, MANY, plain=True)
    finally:
        sys.setprofile(None)

    assert [line.split()[0] for line in text.splitlines() if line.startswith("client-")] == MANY
    assert calls / len(MANY) < 150


def test_the_document_of_limits_holds_the_same() -> None:
    document = documents.limits(EVERYTHING, ["acme"])

    assert json.loads(json.dumps(document)) == document
    assert (document["default"], document["default_concurrency"], document["shadow"]) == (
        "10/s,500/m",
        5,
        True,
    )
    assert document["routes"][0] == {
        "name": "search",
        "path": "/api/search",
        "methods": ["GET"],
        "limit": "5/s",
        "cost": 3,
        "shadow": False,
        "host": None,
        "upstream": None,
    }
    assert (document["routes"][1]["host"], document["routes"][1]["upstream"]) == ("*.example.org", "pages")
    (acme,) = document["limits"]
    assert (acme["limit"], acme["source"], acme["concurrency"], acme["shadow"]) == ("9/s", "client", 5, True)
    assert (acme["count"], acme["remaining"]) == (4, 5)
    assert acme["windows"][1] == {"name": "route/search", "limit": "5/s", "count": 5, "remaining": 0}


@pytest.mark.parametrize(
    ("days", "expected"), [(0, "tester at 22:13:20Z"), (3, "tester at 2023-11-14 22:13:20Z")]
)
def test_a_limit_says_when_it_was_set_with_the_date_if_not_today(days: int, expected: str) -> None:
    found = snapshot([record()], START + 86400 * days, policies=policies(overrides={"acme": "9/s"}))

    assert expected in " ".join(shown("limits", found, width=200).split())


def test_limits_say_where_they_come_from() -> None:
    text = shown("limits", HEALTHY)

    assert "Default 100/m" in text
    assert "9/s (client)" in text
