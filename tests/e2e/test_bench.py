"""A small benchmark, as a process, and what it must notice before it measures. Times are not judged here."""

import json
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from signal import SIGINT

import pytest

from loadtest import cluster
from loadtest.bench import proof, stage
from loadtest.bench.peers.all import PEERS
from loadtest.bench.peers.ours import OURS
from loadtest.bench.peers.peer import Running
from loadtest.bench.scenarios import HUGE, SMALL
from tests.integration.loadtest.processes import alive, started_by

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads Linux' clocks")


def bench(tmp_path: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """``loadtest bench`` with as little to do as it takes: some kernels tell processor time by 4 ms."""
    return subprocess.run(
        [sys.executable, "-m", "loadtest", "bench", "--rounds", "2", "--requests", "2000", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=cluster.own_environment(),
        timeout=120,
        check=False,
    )


def test_it_measures_each_peer_and_scenario_in_each_round(tmp_path: Path) -> None:
    ended = bench(
        tmp_path, "--peers", "ours,textbook", "--only", "one-key,one-key-full,refused", "--json", "out.json"
    )

    assert ended.returncode == 0, ended.stderr
    document = json.loads((tmp_path / "out.json").read_text())
    samples = document["samples"]
    assert [(s["round"], s["scenario"], s["peer"]) for s in samples] == [
        (number, scenario, peer)
        for number in (1, 2)
        for scenario in ("one-key", "one-key-full", "refused")
        for peer in ("ours", "textbook")
    ]
    for sample in samples:
        measured = sample["measured"]
        assert measured["statuses"] == {"429" if sample["scenario"] == "refused" else "200": 2000}
        assert measured["tested_cpu_ns"] > 0
        assert measured["p99_ms"] >= measured["p50_ms"] > 0
    assert set(document["peers"]) == {"ours", "textbook"}
    aim = next(p for p in document["aims"] if p["what"] == "one key, full window to empty")
    assert aim["reached"] == (aim["median"] <= aim["at_most"])
    assert aim["what"] in ended.stdout


def test_what_takes_its_time_is_measured_too(tmp_path: Path) -> None:
    """A rate, held connections, nodes side by side; and it is written into a page."""
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- bench:begin -->\n<!-- bench:end -->\nafter\n")

    ended = bench(
        tmp_path,
        *(
            "--peers",
            "ours,ours-2-nodes",
            "--only",
            "idle,keys-100,at-2000",
            "--rounds",
            "1",
            "--write",
            "page.md",
        ),
    )

    assert ended.returncode == 0, ended.stderr
    text = page.read_text()
    for what in ("1,000 idle connections", "allowed, 100 keys", "two nodes"):
        assert what in text
    assert text.endswith("<!-- bench:end -->\nafter\n")
    assert (tmp_path / "page.svg").exists()


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary files"
    temporary.mkdir()
    asked = ("--peers", "textbook", "--only", "one-key", "--requests", "2000")
    command = [sys.executable, "-m", "loadtest", "bench", *asked]
    environment = {**cluster.own_environment(), "TMPDIR": str(temporary)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        seen = [next(process.stderr)]
        while "µs Redis" not in seen[-1]:
            seen.append(next(process.stderr))
        pids = started_by(process.pid)
        process.send_signal(SIGINT)
        seen += process.stderr
    assert process.returncode == 128 + SIGINT, seen
    assert len(pids) >= 3, "Redis, the upstream, a textbook"
    assert not alive(pids)
    assert not list(temporary.rglob("*"))


def test_a_page_without_a_place_ends_it_before_it_begins(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("nothing\n")

    ended = bench(tmp_path, "--write", "page.md")

    assert ended.returncode == 3
    assert "page.md has no place" in ended.stderr


@pytest.mark.system
def test_each_peer_that_is_installed_can_be_measured(tmp_path: Path) -> None:
    ended = bench(
        tmp_path, "--only", "one-key,one-key-full,refused,big", "--rounds", "1", "--json", "out.json"
    )

    assert ended.returncode == 0, ended.stderr
    samples = json.loads((tmp_path / "out.json").read_text())["samples"]
    present = {peer.name for peer in PEERS if peer.is_for_everything and peer.missing() is None}
    assert {s["peer"] for s in samples} == present


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
    async with stage.running() as on, stage.running() as elsewhere, AsyncExitStack() as stack:
        limiting = await elsewhere.start(OURS, SMALL, stack)
        passing = await elsewhere.start(OURS, HUGE, stack)

        with pytest.raises(stage.BenchError, match="answers by itself"):
            await proof.limits(on, "elsewhere", limiting)
        with pytest.raises(stage.BenchError, match="answers by itself"):
            await proof.lets_through(on, "elsewhere", passing)
