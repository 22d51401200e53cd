"""A small benchmark, as a process, and what it must notice before it measures. Times are not judged here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from loadtest import cluster
from loadtest.bench import proof, stage
from loadtest.bench.peers.all import PEERS
from loadtest.bench.peers.ours import OURS
from loadtest.bench.peers.peer import Running
from loadtest.bench.scenarios import HUGE, SMALL

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads Linux' clocks")


def bench(tmp_path: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """``loadtest bench`` with as little to do as it takes."""
    return subprocess.run(
        [sys.executable, "-m", "loadtest", "bench", "--rounds", "2", "--requests", "200", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=cluster.own_environment(),
        timeout=120,
        check=False,
    )


def test_it_measures_each_peer_and_scenario_in_each_round(tmp_path: Path) -> None:
    ended = bench(
        tmp_path, "--peers", "ours,textbook", "--only", "allowed,one-key-full,refused", "--json", "out.json"
    )

    assert ended.returncode == 0, ended.stderr
    samples = json.loads((tmp_path / "out.json").read_text())["samples"]
    assert [(s["round"], s["scenario"], s["peer"]) for s in samples] == [
        (number, scenario, peer)
        for number in (1, 2)
        for scenario in ("allowed", "one-key-full", "refused")
        for peer in ("ours", "textbook")
    ]
    for sample in samples:
        measured = sample["measured"]
        assert measured["statuses"] == {"429" if sample["scenario"] == "refused" else "200": 200}
        assert measured["tested_cpu_ns"] > 0
        assert measured["p99_ms"] >= measured["p50_ms"] > 0
    assert "allowed, many keys: to textbook" in ended.stdout


@pytest.mark.system
def test_each_peer_that_is_installed_can_be_measured(tmp_path: Path) -> None:
    ended = bench(tmp_path, "--json", "out.json")

    assert ended.returncode == 0, ended.stderr
    samples = json.loads((tmp_path / "out.json").read_text())["samples"]
    assert {s["peer"] for s in samples} == {peer.name for peer in PEERS if peer.missing() is None}


@pytest.mark.parametrize("command", [("--peers", "nobody"), ("--only", "nothing")])
def test_unknown_names_are_wrong_use(command: tuple[str, str], tmp_path: Path) -> None:
    ended = bench(tmp_path, *command)

    assert ended.returncode == 2
    assert command[1] in ended.stderr


async def test_a_peer_that_does_not_limit_is_found() -> None:
    async with stage.running() as on:
        alone = Running((on.upstream_port,), ())

        with pytest.raises(stage.BenchError, match="does not limit"):
            await proof.limits(on, "alone", alone)


async def test_a_peer_that_answers_by_itself_is_found() -> None:
    async with stage.running() as on, stage.running() as elsewhere:
        limiting = await elsewhere.start(OURS, SMALL)
        passing = await elsewhere.start(OURS, HUGE)

        with pytest.raises(stage.BenchError, match="answers by itself"):
            await proof.limits(on, "elsewhere", limiting)
        with pytest.raises(stage.BenchError, match="lets not all through"):
            await proof.lets_through(on, "elsewhere", passing)
