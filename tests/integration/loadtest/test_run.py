"""Runs that must fail."""

import socket
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from loadtest import cli, cluster, generator, run, scenarios
from loadtest.load import Load, Stream
from loadtest.scenarios import Chance, Scenario, Setting, Sign, Step
from loadtest.scenarios.fault import UpstreamTroubled


def unfounded(_name: str, setting: Setting, _chance: Chance) -> Scenario:
    """Expects a skew of traffic that is even."""
    skew = Sign("node_skew", "node", "node-1")
    step = Step(2.0, setting.usual)
    return Scenario("skew", "nothing", (step,), expected=(skew,), clear_seconds=2.5, calm_seconds=0.0)


def too_much(_name: str, setting: Setting, _chance: Chance) -> Scenario:
    """More than all senders together can send, since each answer takes its time."""
    step = Step(5.0, Load((setting.background(factor=3.0),)), (UpstreamTroubled(delay_seconds=1.0),))
    return Scenario("steady", "too much", (step,), expected=(), clear_seconds=2.5)


def hammered(_name: str, setting: Setting, _chance: Chance) -> Scenario:
    """One client goes far over its limit."""
    client = setting.clients[0]
    load = Load((setting.background(), Stream(100.0, (client.key,))))
    allowed = (Sign("limit_breach", "client", client.id),)
    return Scenario("steady", "a hammer", (Step(5.0, load),), (), allowed, clear_seconds=2.5)


@pytest.fixture(autouse=True)
def in_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here has to be told from a baseline."""
    monkeypatch.setattr(scenarios, "WARM_UP_SECONDS", 1.0)


async def test_a_run_fails_if_what_it_expects_is_not_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scenarios, "draw", unfounded)
    assert await run.run(run.Options(["skew"], seed=5)) == 1
    *_, failure, last = capsys.readouterr().out.splitlines()
    assert failure == "✗ skew: node_skew (node-1) was not found"
    assert last.startswith("FAIL in")
    assert last.endswith("(seed 5)")


def test_a_port_that_is_taken_is_told_before_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert cli.run(["run", "steady", "--web", str(port)]) == 3
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"loadtest: --web {port}: this port is taken, or not for you\n")


async def test_a_run_fails_if_its_load_was_not_sent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scenarios, "draw", too_much)
    monkeypatch.setattr(generator, "MOST_CONNECTIONS", 96)
    assert await run.run(run.Options(["steady"], seed=5)) == 1
    assert "the load was not as drawn" in " ".join(capsys.readouterr().out.split())


async def test_a_run_fails_if_clients_are_refused_before_they_have_had_what_they_may(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    running = cluster.running

    def with_a_tenth(plan: cluster.Plan) -> AbstractAsyncContextManager[cluster.Cluster]:
        tenth = {**plan.node_environment, "GATEWAY_DEFAULT_LIMIT": "30/10s"}
        return running(replace(plan, node_environment=tenth))

    monkeypatch.setattr(scenarios, "draw", hammered)
    monkeypatch.setattr(cluster, "running", with_a_tenth)
    assert await run.run(run.Options(["steady"], seed=5)) == 1
    assert "were refused, though no client can have got more than" in capsys.readouterr().out
