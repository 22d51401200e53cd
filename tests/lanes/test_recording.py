"""Two builds are compared by what is recorded of one."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lanes import entry, recording, rules
from tests.lanes.generator.families import FAMILIES, family_of
from tests.lanes.generator.mixed import CASES_A_ROUND
from tests.lanes.kernel import simulated
from tests.lanes.recording import RecordingError
from tests.lanes.rules import Rule
from tests.project import ROOT

CASES = 400
SEED = 3


def run(*arguments: object, hash_seed: int) -> "subprocess.CompletedProcess[str]":
    """Run `python -m tests.lanes`."""
    return subprocess.run(
        [sys.executable, "-m", "tests.lanes", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A recording of this build."""
    path = tmp_path / "recording"
    for _ in recording.record(path, SEED, CASES, jobs=1):
        pass
    return path


def differing(path: Path) -> dict[int, list[str]]:
    """The cases in which this build differs from a recording, with what differs."""
    with path.open("rb") as file:
        found = recording.compare(file, recording.read_header(file), jobs=1)
        return {number: parts for number, parts in found if parts}


def test_build_is_equal_to_itself_with_any_number_of_processes_and_hash_seed(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    assert run("--record", path, "--cases", CASES, "--jobs", 1, hash_seed=1).returncode == 0

    compared = run("--against", path, "--jobs", 2, hash_seed=2)

    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert "0 cases differ" in compared.stdout


def test_recording_of_another_generator_is_rejected(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "fingerprint", lambda: "another")

    with pytest.raises(RecordingError, match="made with another generator"):
        differing(recorded)


def test_recording_with_other_rules_is_rejected(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = Rule("no-bytes", "What clients get.", "nothing", lambda seen, _: replace(seen, clients=()))
    monkeypatch.setattr(recording, "IN_FORCE", (*rules.IN_FORCE, rule))

    with pytest.raises(RecordingError, match="made with another rules"):
        differing(recorded)


def test_file_that_is_no_recording_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_text(json.dumps({"seed": 1}) + "\n")

    compared = run("--against", path, hash_seed=1)

    assert compared.returncode == 2
    assert "not a recording" in compared.stdout


def test_truncated_recording_is_rejected(recorded: Path) -> None:
    recorded.write_bytes(recorded.read_bytes()[:-1])

    with pytest.raises(RecordingError, match=f"ends within case {CASES - 1}"):
        differing(recorded)


def count_something_else(patch: pytest.MonkeyPatch) -> None:
    """Let each node count something else too."""
    counters = entry.Gateway.counters
    patch.setattr(entry.Gateway, "counters", lambda gateway: {**counters(gateway), "another": 1})


def test_build_that_counts_differently_is_found(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count_something_else(monkeypatch)

    assert differing(recorded) == {number: ["counters"] for number in range(0, CASES, CASES_A_ROUND)}


def test_rule_hides_what_a_later_build_does_differently_on_purpose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = Rule("no-counters", "What is counted.", "nothing", lambda seen, _: replace(seen, counters={}))
    monkeypatch.setattr(recording, "IN_FORCE", (*rules.IN_FORCE, rule))
    path = tmp_path / "recording"
    for _ in recording.record(path, SEED, CASES, jobs=1):
        pass
    count_something_else(monkeypatch)

    assert not differing(path)


def test_show_prints_the_case_and_all_that_is_recorded_of_it() -> None:
    shown = run("--show", 7, "--seed", SEED, hash_seed=1).stdout

    assert "case 7 of seed 3, family " in shown
    assert set(recording.SECTIONS) <= set(shown.splitlines())


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_is_held_when_all_connections_are_over(family: str) -> None:
    rounds = [number for number in range(200) if family_of(number) == family][:10]
    held: Counter[str] = Counter()

    with simulated():
        for number in rounds:
            for place, (_, sections) in enumerate(recording.played(SEED, number)):
                for line in sections["held"]:
                    held[f"case {number * CASES_A_ROUND + place}: {line}"] += 1

    assert not held


def test_digests_in_the_repository_are_of_this_generator_and_harness() -> None:
    first = (Path(__file__).parent / "baseline.txt").read_text().partition("\n")[0]
    header = recording.header(1, CASES)

    assert f"seed 1, generator {header.generator}, harness {header.harness}," in first
