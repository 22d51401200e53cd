"""Thousands of simulated schedules of the real limiter: what it promises holds in each of them."""

import os
import subprocess
import sys

import pytest

from tests.model.explore import failures
from tests.model.schedule import scenario
from tests.model.simulation import run
from tests.project import ROOT

SCHEDULES = 2_000
CHUNK = 125


@pytest.mark.parametrize("first", range(0, SCHEDULES, CHUNK))
def test_every_invariant_holds_in_every_schedule(first: int) -> None:
    broken = [str(failure) for failure in failures(range(first, first + CHUNK))]

    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("first", range(0, 30, 10))
def test_steady_demand_gets_what_could_be_had(first: int) -> None:
    broken = [str(failure) for failure in failures(range(first, first + 10), "long")]

    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("seed", range(13))
def test_a_seed_is_the_same_schedule_each_time(seed: int) -> None:
    assert run(scenario(seed)).digest() == run(scenario(seed)).digest()


def test_a_seed_is_the_same_schedule_in_every_process() -> None:
    """Whatever order that process' sets have."""

    def digest(hash_seed: str) -> str:
        command = [sys.executable, "-m", "tests.model", "--replay", "9"]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        replayed = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        return replayed.stdout.splitlines()[-1]

    assert digest("1") == digest("2") == f"digest {run(scenario(9)).digest()}"
