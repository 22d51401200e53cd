"""The demo as a command, with stories that are shorter than its own, on a cluster of its own."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.contract.limits import Limit
from loadtest import demo, session, stories
from loadtest.load import Load
from loadtest.scenarios import Chance, Scenario, Setting, Sign, Step
from loadtest.scenarios.fault import OverrideMalformed
from loadtest.scenarios.remedy import AsSuggested, Outside, Remedy, SetLimit, UpstreamRate

Drawn = tuple[Setting, list[Scenario]]
SEED = 5


def setting() -> Setting:
    """With few requests, which any machine sends in time."""
    return replace(stories.draw_setting(Chance(SEED)), rate_per_second=10.0)


def malformed(where: Setting, remedy: Remedy) -> Drawn:
    """What is found at once, whatever was usual before; and four times the usual requests while it lasts."""
    client = where.clients[0]
    step = Step(10.0, Load((where.background(4.0),)), (OverrideMalformed(client.id),))
    sign = Sign("override_malformed", "client", client.id)
    return where, [Scenario("bad_override", "no limit", (step,), (sign,), remedy=remedy, calm_seconds=0.0)]


@pytest.fixture(name="shows")
def _shows(monkeypatch: pytest.MonkeyPatch) -> Callable[[Drawn], None]:
    """Has the demo show these scenarios."""
    return lambda drawn: monkeypatch.setattr(stories, "draw_all", lambda _: drawn)


async def test_what_does_not_help_fails_the_demo_and_is_undone_all_the_same(
    shows: Callable[[Drawn], None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "HELP_SECONDS", 1.0)
    where = setting()
    other = where.clients[1].id
    raised = SetLimit(other, Limit(60, 5), "no use", "10m", because="a test")
    shows(malformed(where, Remedy(raised, UpstreamRate(), goal=1.0, closes=False)))

    code = await demo.show(SEED, as_json=True)

    out, told = capsys.readouterr()
    document = json.loads(out)
    (scenario,) = document["scenarios"]
    (failure,) = document["failures"]
    assert (code, document["passed"], scenario["missing"]) == (1, False, [])
    assert failure.startswith(f"bad_override: {raised.command} did not help: the upstream got ")
    assert scenario["remedy"]["done"] == raised.command
    assert scenario["remedy"]["undo"].startswith(f"subject limits unset {other} --revision ")
    assert scenario["remedy"]["helped"] is False
    assert document["requests_counted_alike"] > 0
    assert f"operator: {raised.command}" in told
    assert f"operator: {scenario['remedy']['undo']}" in told
    assert "FAIL in" in told.splitlines()[-1]


async def test_what_is_done_outside_helps_where_the_figure_falls_and_the_finding_ends(
    shows: Callable[[Drawn], None], capsys: pytest.CaptureFixture[str]
) -> None:
    where = setting()
    ended = Outside("somebody takes it out")
    shows(malformed(where, Remedy(ended, UpstreamRate(), goal=2 * where.rate_per_second)))

    code = await demo.show(SEED)

    out, errors = capsys.readouterr()
    told = " ".join(out.split())
    assert code == 0, out
    assert "outside: somebody takes it out" in told
    assert "it helped: the upstream got" in told
    assert "outside the product: somebody takes it out" in told
    assert errors == ""


async def test_a_suggestion_that_sets_no_limit_fails_the_demo(
    shows: Callable[[Drawn], None], capsys: pytest.CaptureFixture[str]
) -> None:
    shows(malformed(setting(), Remedy(AsSuggested("a test"), UpstreamRate(), goal=1.0)))

    code = await demo.show(SEED)

    out, errors = capsys.readouterr()
    assert code == 1
    assert "comes without a limit to be set: subject limits unset client-01" in " ".join(out.split())
    assert errors == ""
