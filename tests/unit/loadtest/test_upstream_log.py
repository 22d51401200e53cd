"""The upstream's log, as the verdict reads it."""

import json

from loadtest import upstream_log
from loadtest.passages import Passage
from loadtest.upstream_log import Arrival


def line(key: str | None, target: str) -> str:
    return json.dumps({"at": 2.5, "node": "node-1", "key": key, "target": target}) + "\n"


def test_only_requests_of_the_generator_count() -> None:
    lines = [line("d1", "/work?sent=2.25"), line(None, "/work?sent=2.25"), line("d1", "/health")]
    assert list(upstream_log.passages(lines)) == [Passage(sent=2.25, at=2.5, key="d1")]


def test_an_arrival_has_its_node_too() -> None:
    (arrival,) = upstream_log.arrivals([line("d1", "/work?sent=2.25"), line(None, "/")])
    assert arrival == Arrival(sent=2.25, at=2.5, node="node-1", key="d1")
