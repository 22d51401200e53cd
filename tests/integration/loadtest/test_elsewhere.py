"""Runs on a cluster that is there already."""

import asyncio
import json
import signal
import ssl
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from aiohttp import web
from rich.console import Console

from gateway.contract.limits import parse_limits
from loadtest import cli, cluster, run, scenarios
from loadtest.child import StartError
from loadtest.elsewhere import front, stage
from loadtest.elsewhere.facts import Facts, NodePlace
from loadtest.elsewhere.target import Target, TargetError
from loadtest.ports import free_port
from loadtest.progress import Progress
from loadtest.scenarios import Chance, Scenario, Setting, Step
from tests.certificates import Authority


def short(name: str, setting: Setting, _chance: Chance) -> Scenario:
    """The usual load, for a moment."""
    return Scenario(name, "nothing", (Step(2.0, setting.usual),), expected=(), calm_seconds=0.0)


def facts(*ids: str) -> Facts:
    """A cluster of these nodes, in which nothing has happened."""
    places = tuple(NodePlace(node_id, state="Up") for node_id in ids)
    return Facts(places, parse_limits("100/m"))


@asynccontextmanager
async def answering(status: int, *ids: str, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
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
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
        yield f"{'http' if context is None else 'https'}://127.0.0.1:{port}"
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


async def test_a_run_that_is_interrupted_leaves_the_report_so_far(tmp_path: Path) -> None:
    async with cluster.running(cluster.Plan(nodes=1)) as running:
        (node,) = running.nodes
        where = ["--nodes", node.url, "--redis", running.redis_url, "--report", str(tmp_path)]
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "loadtest", "run", "steady", *where, "--json"),
            stdout=PIPE,
            stderr=PIPE,
        )
        assert child.stdout is not None
        assert child.stderr is not None
        async for line in child.stderr:
            if b"warm-up begins" in line:
                break
        child.send_signal(signal.SIGINT)
        printed, told = json.loads(await child.stdout.read()), (await child.stderr.read()).decode()

    assert await child.wait() == 130
    assert (printed["verdict"], printed["passed"], printed["failures"]) == ("not judged", False, [])
    assert printed["open_questions"][:2] == [
        "the run was broken off: a signal asked for its end",
        "not played to its end: warm-up, steady",
    ]
    assert json.loads((tmp_path / "report.json").read_text()) == printed
    assert "Not judged" in (tmp_path / "report.html").read_text()
    assert "NOT JUDGED" in told


async def test_what_would_be_held_against_the_wrong_is_told_before_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("loadtest.elsewhere.facts.QUIET_SECONDS", 0.5)
    routes = tmp_path / "routes.toml"
    routes.write_text('[[routes]]\nname = "costly"\npath = "/costly"\nlimit = "50/s"\ncost = 5\n')
    environment = {
        "GATEWAY_IDENTITY_SECRET": "a secret of theirs",
        "GATEWAY_KEY_HEADER": "X-Token",
        "GATEWAY_EXEMPT": "GET /health",
        "GATEWAY_DEFAULT_LIMIT": "100/10s",
        "GATEWAY_ROUTES_FILE": str(routes),
    }
    progress = Progress(Console(file=StringIO()))
    async with cluster.running(cluster.Plan(nodes=1, node_environment=environment)) as running:
        costly = Target((running.nodes[0].url,), running.redis_url, path="/costly", key_header="X-Token")
        for target, told in (
            (replace(costly, path="/health"), "/health is exempt there"),
            (costly, "set GATEWAY_IDENTITY_SECRET, or GATEWAY_CLIENTS_FILE, here"),
        ):
            with pytest.raises(TargetError, match=told):
                async with stage.reached(target, None, progress):
                    pass
        monkeypatch.setenv("GATEWAY_IDENTITY_SECRET", environment["GATEWAY_IDENTITY_SECRET"])
        async with stage.reached(costly, None, progress) as reached:
            assert reached.setting.windows_text == "20/10s,10/s"


async def test_certificates_are_checked_unless_that_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.sign(host="localhost"))
    async with answering(200, "node-1", context=context) as url:
        target, known = Target((url.replace("127.0.0.1", "localhost"),), ""), facts("node-1")
        with pytest.raises(TargetError, match="SSL_CERT_FILE"):
            await front.probed(target, ["key"], known)
        assert (await front.probed(replace(target, is_insecure=True), ["key"], known)).nodes
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.write()))
        assert (await front.probed(target, ["key"], known)).nodes


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
        with pytest.raises(
            TargetError,
            match=r"registered keys only: give some with --keys FILE.* name that field with --header",
        ):
            await front.probed(Target((url,), ""), ["key"], facts("node-1"))
        with pytest.raises(TargetError, match="the keys of --keys are none that it knows"):
            await front.probed(Target((url,), "", tmp_path / "keys"), ["key"], facts("node-1"))


async def test_what_is_no_node_of_the_cluster_is_told_before_the_run() -> None:
    known = facts("node-1", "node-2")
    async with answering(200) as stranger, answering(200, "cdn") as proxy, answering(200, "node-1") as node:
        for urls, named in (((stranger,), "nobody"), ((proxy,), "only cdn"), ((node, stranger), "nobody")):
            with pytest.raises(TargetError, match=f"names {named} in Via where a node would name itself"):
                await front.probed(Target(urls, ""), ["key"], known)


@pytest.mark.parametrize(("ids", "who"), [((), "it"), (("node-1",), "the service behind it")])
async def test_a_service_that_fails_without_any_load_is_told_before_the_run(
    ids: tuple[str, ...], who: str
) -> None:
    async with answering(500, *ids) as url:
        with pytest.raises(StartError, match=f"{who} answers 500 to /"):
            await front.probed(Target((url,), ""), ["key"], facts("node-1"))


async def test_keys_whose_windows_are_full_are_told_before_the_run() -> None:
    async with answering(429) as url:
        with pytest.raises(TargetError, match="429 to every request: let a window pass"):
            await front.probed(Target((url,), ""), ["key"], facts("node-1"))


async def test_answers_tell_which_node_is_behind_a_url() -> None:
    async with answering(200, "node-2") as second, answering(404, "node-1") as first:
        found = await front.probed(Target((second, first), ""), ["key"], facts("node-1", "node-2"))
        assert found.nodes == [("node-2", second), ("node-1", first)]
        assert {counts.admitted for counts in found.probes.values()} == {front.PROBES}
        with pytest.raises(TargetError, match="names only node-2 in Via"):
            await front.probed(Target((second, first), ""), ["key"], facts("node-1", "node-3"))


async def test_a_url_that_leads_to_all_nodes_stands_for_the_cluster() -> None:
    async with answering(200, "node-1", "node-2") as url:
        found = await front.probed(Target((url,), ""), ["key"], facts("node-1", "node-2"))
    assert found.nodes == [(front.CLUSTER, url)]
    assert found.is_one_for_all


async def test_a_balancer_that_chooses_by_chance_is_asked_until_each_node_has_answered() -> None:
    uneven = ("node-1",) * 8 + ("node-2",)
    async with answering(200, *uneven) as url:
        found = await front.probed(Target((url,), ""), ["key"], facts("node-1", "node-2"))
    assert found.is_one_for_all
    assert found.probes[front.CLUSTER].admitted > front.PROBES


def test_a_folder_that_takes_no_report_is_told_before_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder/report.json").mkdir(parents=True)
    for place, told in (("file", "cannot be made: File exists"), ("folder", "cannot be written: Is a dir")):
        assert cli.run(["run", "steady", "--report", str(tmp_path / place)]) == 3
        assert told in capsys.readouterr().err


async def test_nodes_that_would_get_nothing_are_told_before_the_run() -> None:
    async with answering(200, "node-1") as url:
        with pytest.raises(TargetError, match="node-2 would get nothing"):
            await front.probed(Target((url,), ""), ["key"], facts("node-1", "node-2"))


async def test_two_urls_of_one_node_are_refused() -> None:
    async with answering(200, "node-1") as one, answering(200, "node-1") as other:
        with pytest.raises(TargetError, match="both lead to node-1"):
            await front.probed(Target((one, other), ""), ["key"], facts("node-1", "node-2"))
