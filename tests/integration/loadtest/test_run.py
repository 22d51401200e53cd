"""A run that must fail, since nothing of what its scenario expects is really there."""

from random import Random

import pytest

from loadtest import demo, scenarios, session
from loadtest.load import Load
from loadtest.scenarios import Scenario, Setting, Sign, Step


def unfounded(_name: str, setting: Setting, _random: Random) -> Scenario:
    """Expects a skew of traffic that is even."""
    step = Step(2.0, Load((setting.background(),)))
    return Scenario("skew", "nothing", (step,), expected=(Sign("node_skew", "node", "node-1"),))


async def test_a_run_fails_if_what_it_expects_is_not_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scenarios, "WARM_UP_SECONDS", 1.0)
    monkeypatch.setattr(session, "CALM_SECONDS", 0.0)
    monkeypatch.setattr(scenarios, "draw", unfounded)
    assert await demo.run(["skew"], seed=5) == 1
    *_, failure, last = capsys.readouterr().out.splitlines()
    assert failure == "✗ skew: node_skew (node-1) was not found"
    assert last.startswith("FAIL in")
    assert last.endswith("(seed 5)")
