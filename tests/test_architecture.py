import ast
from collections import Counter
from pathlib import PurePosixPath

import pytest

from tests import architecture
from tests.architecture import RULES, Module, Rule, modules
from tests.project import PACKAGES, ROOT

PRODUCT = modules(*PACKAGES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule: Rule) -> None:
    breaches = [sentence for module in PRODUCT for sentence in rule(module)]

    assert not breaches, "\n" + "\n".join(breaches)


def test_tests_inherit_from_nothing_that_is_compiled() -> None:
    rule = architecture.compiled_classes_are_of_one_family

    breaches = [sentence for module in modules("tests") for sentence in rule(module)]

    assert not breaches, "\n" + "\n".join(breaches)


def test_what_is_compiled_is_there_and_listed_once() -> None:
    listed = architecture.COMPILED

    assert [path for path in listed if not (ROOT / f"gateway/{path}.py").is_file()] == []
    assert len(set(listed)) == len(listed)


def test_what_decides_without_io_reaches_none_through_others() -> None:
    by_name = {module.name: module for module in PRODUCT}

    breaches = [sentence for module in PRODUCT for sentence in architecture.io_reached_from(module, by_name)]

    assert not breaches, "\n" + "\n".join(breaches)


def test_io_is_found_behind_others() -> None:
    made = [
        Module(PurePosixPath("gateway/limiter/decision.py"), "from gateway import middle"),
        Module(
            PurePosixPath("gateway/middle.py"), "from gateway.clock import monotonic\nimport gateway.middle"
        ),
        Module(PurePosixPath("gateway/clock.py"), "import time"),
    ]

    (sentence,) = architecture.io_reached_from(made[0], {module.name: module for module in made})

    assert sentence.startswith(
        "gateway/limiter/decision.py → gateway/middle.py → gateway/clock.py imports time"
    )


def test_each_counter_is_incremented_by_one_statement() -> None:
    others = [
        module for module in PRODUCT if module.is_in("gateway") and not module.is_in("gateway/telemetry")
    ]
    places = Counter(name for module in others for name in architecture.incremented_counters(module))

    assert {name: count for name, count in places.items() if count > 1} == {}
    assert len(places) > 10


def test_increments_are_found_in_each_form() -> None:
    source = (
        "counters.a += 1\nself._counters.b[x] += 2\nstore.counters.c.add(3)\ncounters.d -= 1\nother.e += 1"
    )

    assert architecture.incremented_counters(Module(PurePosixPath("gateway/x.py"), source)) == ["a", "b", "c"]


def test_one_class_receives_the_events_of_upstreams() -> None:
    nodes = [node for module in PRODUCT if module.is_in("gateway") for node in module.nodes]
    classes = [
        node.name
        for node in nodes
        if isinstance(node, ast.ClassDef)
        and {"on_headers", "on_complete"} <= {getattr(each, "name", "") for each in node.body}
    ]

    assert sorted(classes) == ["ResponseReceiver", "Transaction"]  # the Protocol, and its implementation


BREACHES = [
    ("gateway/app.py", "import subject.reader"),
    ("gateway/app.py", "from loadtest import redis_server"),
    ("gateway/app.py", "def build():\n    from tests import conftest"),
    ("subject/telemetry/reader.py", "from gateway import clock"),
    ("subject/telemetry/reader.py", "from gateway.limiter.decision import decide"),
    ("subject/telemetry/reader.py", "import loadtest.verdict"),
    ("loadtest/up.py", "from subject.cli import main"),
    ("loadtest/up.py", "import gateway.app"),
    ("gateway/contract/records.py", "from gateway import clock"),
    ("gateway/contract/records.py", "from .. import clock"),
    ("gateway/contract/records.py", "import pydantic"),
    ("gateway/contract/records.py", "import time"),
    ("gateway/limiter/decision.py", "from asyncio import sleep"),
    ("subject/detectors/skew.py", "from redis.asyncio import Redis"),
    ("subject/detectors/skew.py", "import os"),
    ("subject/cluster/series.py", "from subject.telemetry.reader import Reader"),
    ("subject/output/report.py", "from subject.commands import watch"),
    ("gateway/proxy/replies.py", 'START = b"HTTP/1.1 429 Too Many Requests"'),
    ("gateway/proxy/transaction.py", "loop.create_task(relay())"),
    ("gateway/limiter/store.py", "from gateway.proxy.handler import Handler"),
    ("gateway/proxy/handler.py", "from gateway.limiter.store import Store"),
    ("gateway/telemetry/publisher.py", "from gateway.building import Parts"),
    ("gateway/admission.py", "from gateway.config.settings import Settings"),
    ("gateway/policy/routing.py", "from gateway.config.values import Port"),
    ("gateway/proxy/client_timers.py", "from pydantic import BaseModel"),
    ("gateway/admission.py", "from os import environ"),
    ("gateway/admission.py", "import os\nname = os.environ['NODE_ID']"),
    ("gateway/admission.py", "import os\nname = os.getenv('NODE_ID')"),
    ("subject/serve.py", "import fastapi"),
    ("gateway/metrics.py", "from prometheus_client.core import Counter"),
    ("loadtest/up.py", "from limits import parse"),
    ("loadtest/up.py", "import locust"),
    ("loadtest/up.py", "from gevent import sleep"),
    ("gateway/limiter/connection.py", "commands = [('MULTI',)]"),
    ("gateway/limiter/connection.py", "async def run(client): await client.evalsha('x', 0)"),
    ("gateway/limiter/connection.py", "SCRIPT = ('eval', 'return 1')"),
    ("gateway/listener.py", "import ssl\nmodern(context)\nssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)"),
    ("loadtest/up.py", "from ssl import create_default_context\ncontext = create_default_context()"),
    ("gateway/__init__.py", "from gateway.app import run"),
    ("gateway/http/response_head.py", "def render_answer_head(): ..."),
    ("gateway/http/response_head.py", "class AnswerHead: ..."),
    ("gateway/http/patience.py", ""),
    ("gateway/http/fields.py", "import socket"),
    ("gateway/http/fields.py", "from yarl import URL"),
    ("gateway/http/fields.py", "from gateway.clock import monotonic"),
    ("gateway/http/fields.py", "from gateway.proxy.transaction import Transaction"),
    ("gateway/policy/resolve.py", "from gateway.proxy.transaction import Transaction"),
    ("gateway/app.py", '"""Runs a node. No IO."""'),
    ("gateway/proxy/transaction.py", "from aiohttp import web\nclass Mine(web.Server): ..."),
    (
        "gateway/app.py",
        "from gateway.proxy.client_connection import ClientConnection as C\nclass Mine(C): ...",
    ),
    (
        "gateway/app.py",
        "from gateway.proxy import client_connection as c\nclass Mine(c.ClientConnection): ...",
    ),
]


@pytest.mark.parametrize(("path", "source"), BREACHES)
def test_a_breach_is_one_sentence_that_names_the_file(path: str, source: str) -> None:
    module = Module(PurePosixPath(path), source)

    sentences = [sentence for rule in RULES for sentence in rule(module)]

    assert sentences
    assert all(sentence.startswith(path) and "\n" not in sentence for sentence in sentences)


def test_every_rule_can_be_broken() -> None:
    made = [Module(PurePosixPath(path), source) for path, source in BREACHES]

    assert [rule for rule in RULES if not any(list(rule(module)) for module in made)] == []


KNOWN_FOLDERS = {
    "gateway": {
        "config",
        "contract",
        "http",
        "limiter",
        "policy",
        "proxy",
        "redis",
        "telemetry",
        "workers",
    },
    "subject": {
        "actions",
        "causes",
        "cluster",
        "commands",
        "dashboard",
        "detectors",
        "diagnosis",
        "output",
        "telemetry",
        "why",
    },
    "loadtest": {"elsewhere", "run_report", "bench", "evaluation", "scenarios", "stories"},
    "tests": {
        "unit",
        "contract",
        "corpus",
        "cost",
        "deployment",
        "integration",
        "e2e",
        "exactness",
        "operator",
        "pictures",
        "reference",
        "pages",
        "fuzz",
        "servers",
        "scale",
        "simulation",
        "soak",
        "model",
        "lanes",
        "support",
    },
    "docs": {"decisions", "how-to", "pictures"},
    "docker": {"secrets"},  # of whoever has run docker/secrets.sh
}


@pytest.mark.parametrize("top", KNOWN_FOLDERS)
def test_every_folder_has_its_place_in_the_layout(top: str) -> None:
    folders = {path.name for path in (ROOT / top).iterdir() if path.is_dir() and any(path.iterdir())}

    unknown = folders - KNOWN_FOLDERS[top] - {"__pycache__"}
    assert not unknown, f"{top}/ has {', '.join(unknown)}/, which the layout in CONTRIBUTING.md does not know"


def test_every_part_of_the_subject_has_its_level() -> None:
    parts = {module.path.parts[1].removesuffix(".py") for module in modules("subject")}

    assert {part for part in parts if not part.startswith("__")} == {
        part for level in architecture.SUBJECT_FROM_BELOW for part in level
    }
