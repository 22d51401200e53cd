"""A run on a real cluster: recorded once, and scored again by replay."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from loadtest import scenarios
from loadtest.child import StartError
from loadtest.evaluation import command, recording, run_file, scoring
from loadtest.evaluation.command import Options
from loadtest.evaluation.plan import Plan
from loadtest.load import IDLE
from loadtest.progress import Progress
from loadtest.scenarios import Chance, Scenario, Setting, Sign, Step
from loadtest.scenarios.fault import NodeFrozen, OverrideMalformed, RedisFrozen

PLAN = Plan(choosing=0, reporting=1, benign_minutes=0, only=("bad_override", "blackout"))
RUN = PLAN.runs()[0]


def in_short(name: str, setting: Setting, _chance: Chance) -> Scenario:
    """A live limit that cannot be read; and then nobody to be seen, neither Redis nor a node."""
    if name == "bad_override":
        client = setting.clients[0]
        step = Step(4.0, setting.usual, (OverrideMalformed(client.id),))
        sign = Sign("override_malformed", "client", client.id)
        return Scenario(name, "a limit", (step,), (sign,), calm_seconds=0.0)
    frozen = tuple(NodeFrozen(node_id) for node_id in setting.node_ids)
    return Scenario(
        name,
        "no sight",
        (Step(0.5, IDLE), Step(6.0, IDLE, (RedisFrozen(), *frozen))),
        expected=(Sign("observer_blind", "cluster"),),
        allowed=(Sign("traffic_drop", "cluster"), Sign("store_down", "cluster")),
        begins=1,
        calm_seconds=0.0,
    )


async def test_a_replay_scores_a_run_as_the_subject_did_that_watched_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scenarios, "WARM_UP_SECONDS", 1.0)
    monkeypatch.setattr(scenarios, "draw", in_short)
    monkeypatch.setattr(recording, "SHORTEST_SECONDS", 2.0)
    progress = Progress(Console(quiet=True))

    live = await recording.record(RUN, tmp_path, progress)
    (scored,) = await scoring.score([RUN], tmp_path, 1, progress)

    assert live.failures == ()
    assert [outcome.scenario.name for outcome in live.outcomes] == ["warm-up", *RUN.scenarios]
    assert all(outcome.found for outcome in live.outcomes[1:])
    pairs = zip(scored.outcomes, live.outcomes, strict=True)
    assert all(replace(again, scenario=outcome.scenario) == outcome for again, outcome in pairs)
    assert scored.books.counted == live.counted
    assert scored.differing == 0
    assert scored.looks >= 5

    code = await command.run(Options(PLAN, score=tmp_path, as_json=True))

    told = json.loads(capsys.readouterr().out)
    assert (code, told["failures"]) == (0, [])
    assert told["scores"]["reporting"]["in_all"]["found"] == 2

    code = await command.run(Options(replace(PLAN, only=("blackout",)), score=tmp_path, as_json=True))

    (run,) = json.loads(capsys.readouterr().out)["scores"]["reporting"]["runs"]
    assert (code, [one["name"] for one in run["scenarios"]]) == (0, ["warm-up", "blackout"])

    path = run_file.path_of(tmp_path, RUN.name)
    lines = gzip.decompress(path.read_bytes()).decode()
    path.write_bytes(gzip.compress(lines.replace('"found":[]', '"found":[["a","b","c"]]', 1).encode()))
    again = await command.run(Options(PLAN, score=tmp_path, as_json=True))

    assert again == 0, "what is replayed by another subject may differ"
    assert f"1 of {scored.looks} looks differ" in " ".join(capsys.readouterr().err.split())

    monkeypatch.setenv("SUBJECT_SKEW_RATIO", "none")
    with pytest.raises(StartError, match="SUBJECT_SKEW_RATIO"):
        await command.run(Options(PLAN, score=tmp_path))
