"""Runs on a cluster that is there already."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from gateway.contract.limits import parse_limits
from gateway.contract.telemetry import Totals
from loadtest import cli, cluster, run, scenarios
from loadtest.child import StartError
from loadtest.elsewhere import front
from loadtest.elsewhere.facts import Facts, NodePlace
from loadtest.elsewhere.target import Target, TargetError
from loadtest.ports import free_port
from loadtest.scenarios import Chance, Scenario, Setting, Step


def short(name: str, setting: Setting, _chance: Chance) -> Scenario:
    """The usual load, for a moment."""
    return Scenario(name, "nothing", (Step(2.0, setting.usual),), expected=(), calm_seconds=0.0)


def facts(*ids: str) -> Facts:
    """A cluster of these nodes, in which nothing has happened."""
    places = tuple(NodePlace(node_id, state="Up") for node_id in ids)
    return Facts(places, parse_limits("100/m"), {}, None, dict.fromkeys(ids, Totals()), 0.0, frozenset())


@asynccontextmanager
async def answering(status: int, *ids: str) -> AsyncIterator[str]:
    """A URL behind which these nodes answer in turn."""
    answers = 0

    async def answer(_request: web.BaseRequest) -> web.Response:
        nonlocal answers
        answers += 1
        via = {"Via": f"1.1 {ids[answers % len(ids)]}"} if ids else {}
        return web.Response(status=status, headers=via)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    port = free_port()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def test_a_run_judges_a_cluster_by_what_its_redis_and_its_answers_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scenarios, "WARM_UP_SECONDS", 2.0)
    monkeypatch.setattr("loadtest.elsewhere.stage.draw", short)
    async with cluster.running(cluster.Plan(nodes=2)) as running:
        target = Target(tuple(node.url for node in running.nodes), running.redis_url, path="/any")
        code = await run.run(
            run.Options(["steady"], seed=5, target=target, report=tmp_path / "report", as_json=True)
        )

    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert (code, told["failures"]) == (0, [])
    assert told["passed"]
    assert told["nodes"] == ["node-1", "node-2"]
    assert told["limit"] == "100/m"
    assert told["requests_counted_alike"] > 60
    assert told["fullest_window"]["by"] == "the answers that clients got"
    assert told["not_judged"][0].endswith("its log is not seen from here")
    assert all(told["series"][node_id] for node_id in told["nodes"])
    assert "PASS" in printed.err
    assert json.loads((tmp_path / "report/report.json").read_text()) == told
    assert "<svg" in (tmp_path / "report/report.html").read_text()


@pytest.mark.parametrize("nodes", ["http://127.0.0.1:1", "http://127.0.0.1:1,http://127.0.0.1:2"])
def test_a_redis_that_does_not_answer_is_one_line_and_exit_code_3(
    nodes: str, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    assert cli.run(["run", "steady", "--nodes", nodes, "--redis", nowhere, "--json"]) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("loadtest: Redis does not answer")
    assert printed.err.count("\n") == 1


async def test_a_node_that_does_not_answer_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(StartError, match=f"{url} does not answer: "):
        await front.probed(Target((url,), ""), ["key"], facts("node-1"))


async def test_keys_that_nobody_knows_are_told_before_the_run(tmp_path: Path) -> None:
    async with answering(401) as url:
        with pytest.raises(TargetError, match="takes registered keys only: give some with --keys FILE"):
            await front.probed(Target((url,), ""), ["key"], facts("node-1"))
        with pytest.raises(TargetError, match="the keys of --keys are none that it knows"):
            await front.probed(Target((url,), "", tmp_path / "keys"), ["key"], facts("node-1"))


async def test_answers_tell_which_node_is_behind_a_url() -> None:
    async with answering(200, "node-2") as second, answering(404, "node-1") as first:
        found = await front.probed(Target((second, first), ""), ["key"], facts("node-1", "node-2"))
        assert found.nodes == [("node-2", second), ("node-1", first)]
        assert {counts.admitted for counts in found.probes.values()} == {front.PROBES}
        with pytest.raises(TargetError, match="give each node's own URL"):
            await front.probed(Target((second, first), ""), ["key"], facts("node-1", "node-3"))


async def test_a_url_that_leads_to_all_nodes_stands_for_the_cluster() -> None:
    async with answering(200, "node-1", "node-2") as url:
        found = await front.probed(Target((url,), ""), ["key"], facts("node-1", "node-2"))
    assert found.nodes == [(front.CLUSTER, url)]
    assert found.is_one_for_all


async def test_nodes_that_would_get_nothing_are_told_before_the_run() -> None:
    async with answering(200, "node-1") as url:
        with pytest.raises(TargetError, match="node-2 would get nothing"):
            await front.probed(Target((url,), ""), ["key"], facts("node-1", "node-2"))


async def test_two_urls_of_one_node_are_refused() -> None:
    async with answering(200, "node-1") as one, answering(200, "node-1") as other:
        with pytest.raises(TargetError, match="both lead to node-1"):
            await front.probed(Target((one, other), ""), ["key"], facts("node-1", "node-2"))
