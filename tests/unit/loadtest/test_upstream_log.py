"""The upstream's log, as the verdict reads it."""

import json
from pathlib import Path

from loadtest import upstream_log
from loadtest.passages import Passage
from loadtest.upstream_log import Arrival
from tests.full_disk import files_of_at_most


def line(key: str | None, target: str) -> str:
    return json.dumps({"at": 2.5, "node": "node-1", "key": key, "target": target}) + "\n"


def test_only_requests_of_the_generator_count() -> None:
    lines = [line("d1", "/work?sent=2.25"), line(None, "/work?sent=2.25"), line("d1", "/health")]
    assert list(upstream_log.passages(lines)) == [Passage(sent=2.25, at=2.5, key="d1")]


def test_an_arrival_has_its_node_too() -> None:
    (arrival,) = upstream_log.arrivals([line("d1", "/work?sent=2.25"), line(None, "/")])
    assert arrival == Arrival(sent=2.25, at=2.5, node="node-1", key="d1")


def test_what_there_is_no_room_for_is_lost_in_whole_lines_and_told_once(tmp_path: Path) -> None:
    told: list[str] = []
    path = tmp_path / "log"
    with path.open("ab", buffering=0) as file:
        log = upstream_log.UpstreamLog(file, told.append)
        log.note(1.0, None, None, "/first")
        log.flush()
        with files_of_at_most(100):
            for _ in range(2):
                log.note(2.0, None, None, "/lost")
                log.flush()
        log.note(3.0, None, None, "/last")
        log.flush()

    assert [json.loads(line)["target"] for line in path.read_text().splitlines()] == ["/first", "/last"]
    assert told == ["File too large: requests from here on are missing in it"]
