"""Of each code: some causes with reasons, and what to do, by commands that there are."""

import shlex

import pytest

from subject.causes import BY_CODE
from subject.commands import parser
from subject.detectors.breach import limit_breach
from tests.unit.subject.builders import THRESHOLDS, always, cluster, even
from tests.unit.subject.causes.told import problem
from tests.unit.subject.scenes import SCENES


@pytest.mark.parametrize("code", SCENES)
def test_each_code_has_some_causes_with_reasons_and_the_first_is_the_likely_one(code: str) -> None:
    found = problem(code, SCENES[code]())

    assert 2 <= len(found.causes) <= 4
    assert found.finding.likely_cause == found.causes[0].text
    assert found.causes[0].speaks_for
    assert [cause.confidence for cause in found.causes] == sorted(
        (cause.confidence for cause in found.causes), reverse=True
    )
    for cause in found.causes:
        assert cause.text
        assert not cause.text.endswith(".")
        assert all(told and not told.endswith(".") for told in (*cause.speaks_for, *cause.speaks_against))


def test_each_code_has_a_scene() -> None:
    assert set(SCENES) == set(BY_CODE)


@pytest.mark.parametrize("code", SCENES)
def test_what_to_do_and_what_to_look_at_are_commands_that_there_are(code: str) -> None:
    found = problem(code, SCENES[code]()).finding

    assert found.suggested_action != found.verify_with
    for line in (found.suggested_action, found.verify_with):
        is_runnable(line)


def is_runnable(line: str) -> None:
    """By the subject's own parser, or by what is known of the program."""
    program, *rest = [word for word in shlex.split(line) if not word.startswith("SUBJECT_NODES=")]
    match program:
        case "subject":
            parser.build().parse_args(rest)
        case "gateway":
            assert rest == ["--check"]
        case "curl":
            assert rest[:-1] == ["-s"]
            assert rest[-1].startswith("http://127.0.0.1:100")
            assert rest[-1].rpartition("/")[2] in {"readyz", "state"}
        case "redis-cli":
            assert rest[:2] == ["-u", "$REDIS_URL"]
            assert rest[2] in {"TIME", "INFO", "HDEL", "HKEYS", "HLEN", "RENAME"}
        case _:
            pytest.fail(f"{program} is no program that there is")


def test_a_name_that_a_shell_would_run_is_one_word_of_the_command() -> None:
    name = "x; touch y $(z) `w`"
    nodes = even(always(60), clients={name: always(20)}, refused_clients={name: always(9)}, refused=always(9))
    (found,) = limit_breach(cluster(*nodes, seconds=30), THRESHOLDS)

    assert shlex.split(found.suggested_action) == ["subject", "limits", "get", name]
    assert shlex.split(found.verify_with) == ["subject", "why", name]
