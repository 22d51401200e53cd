"""What the prompt names is there: commands, calls, fields, codes and settings."""

import inspect
import re
from dataclasses import fields

import pytest

from subject import AGENT_PROMPT, ClusterMetrics, InvariantViolation, RateLimiterSubject, Store, StoreMetrics
from subject.causes import BY_CODE
from subject.causes.cause import Cause
from subject.commands import parser
from subject.diagnosis.problems import diagnose
from subject.finding import Finding
from subject.output import diagnosis_document, documents
from tests.unit.subject.builders import THRESHOLDS, always, cluster, even
from tests.unit.subject.scenes import SCENES

NAMES = re.findall(r"`([^`]+)`", AGENT_PROMPT)
COMMANDS = [name for name in NAMES if name.startswith("subject ")]
CALLS = re.findall(r"(?:subject\.)?\b((?:get|set|reset)_\w+|observe)\(([^)]*)\)", AGENT_PROMPT)


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_is_one(line: str) -> None:
    parser.build().parse_args(line.split()[1:])


@pytest.mark.parametrize("flag", [name for name in NAMES if name.startswith("--")])
def test_each_flag_is_one_of_a_change_of_limits(flag: str) -> None:
    value = ["10m"] if flag == "--for" else []

    parser.build().parse_args(["limits", "set", "acme", "500/m", "--why", "text", flag, *value])


@pytest.mark.parametrize(("name", "arguments"), CALLS)
def test_each_call_is_one(name: str, arguments: str) -> None:
    parameters = inspect.signature(getattr(RateLimiterSubject, name)).parameters

    assert [part for part in arguments.split(", ") if part and part not in parameters] == []


def test_each_code_is_named_and_no_other() -> None:
    section = AGENT_PROMPT.partition("# The codes")[2].partition("# What you can do")[0]

    assert sorted(re.findall(r"`([a-z_]+)`", section)) == sorted(BY_CODE)


def test_each_other_name_is_a_field_or_a_setting() -> None:
    seen = cluster(*even(always(60)), seconds=20)
    observation = {"findings", "problems", "counters", "node_metrics", "redis_connected", "observation"}
    known = {
        *observation,
        *(
            item.name
            for kind in (Finding, Cause, Store, StoreMetrics, ClusterMetrics, InvariantViolation)
            for item in fields(kind)
        ),
        *("rejection_ratio", "count", "limit", "remaining", "GATEWAY_ON_STORE_FAILURE"),
        *documents.node_document(seen, seen.nodes[0]),
        *diagnosis_document.problems(diagnose(SCENES["store_down"](), THRESHOLDS))[0],
        *BY_CODE,
    }
    plain = {name for name in NAMES if re.fullmatch(r"[A-Za-z_]+", name)}

    assert plain - known == set()


def test_it_tells_what_the_reused_field_carries() -> None:
    assert "`latency_p99_ms` CARRIES THE REJECTION RATE IN PERCENT" in AGENT_PROMPT
