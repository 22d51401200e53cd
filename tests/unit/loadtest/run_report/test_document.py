"""What a run came to, as JSON."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from loadtest.elsewhere.target import Target
from loadtest.remedied import Done, Remedied
from loadtest.run_report import document
from loadtest.scenarios.remedy import NodeRatio, Outside, Remedy
from tests.unit.loadtest.run_report.finished_run import NAME, broken_off, finished

HOW_TO = Path(__file__).parents[4] / "docs/how-to/load-test.md"


def test_json_has_all_figures_and_no_secret() -> None:
    text = document.text(finished(Target(("http://node",), "redis://:password@host")))
    told = json.loads(text)
    assert told["passed"]
    assert told["urls"] == ["http://node"]
    assert [point["requests_per_second"] for point in told["series"][NAME]] == [10.0, 15.0, 0.0]
    assert [(one["code"], one["began_at"]) for one in told["findings"]] == [("node_skew", 102.0)]
    assert told["scenarios"][0]["found"] == [{"sign": f"node_skew ({NAME})", "seconds": 1.0}]
    assert not [secret for secret in ("password", "secret-key") if secret in text]


def test_a_run_that_is_broken_off_is_told_as_far_as_it_came() -> None:
    told = document.document(broken_off())
    assert (told["verdict"], told["passed"]) == ("not judged", False)
    assert [one["name"] for one in told["scenarios"]] == ["skew"]
    assert len(told["open_questions"]) == 3


def fields(value: Any) -> Iterator[str]:
    """The names of an object and all within it, but for those of nodes."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if isinstance(value, dict) and NAME not in value:
        yield from value
    for one in inner:
        yield from fields(one)


def test_the_how_to_says_what_every_field_is() -> None:
    remedy = Remedy(Outside("the balancer is told so"), NodeRatio(NAME), goal=0.5)
    run = finished()
    (outcome,) = run.verdict.outcomes
    remedied = replace(outcome, remedied=Remedied(remedy, Done("told", 102.0), 0.8, 0.3, 2.0))
    told = document.document(replace(run, verdict=replace(run.verdict, outcomes=(remedied,))))
    _, _, section = HOW_TO.read_text(encoding="utf-8").partition("\n## report.json\n")
    section = section.partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]

    assert {name for row in rows for name in re.findall("`([a-z_]+)`", row)} == set(told)
    assert set(fields(told)) <= set(re.findall("`([a-z_0-9]+)`", section))
