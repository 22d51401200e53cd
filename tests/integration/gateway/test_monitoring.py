"""The pages of node and subject by Prometheus' own parser, and all that docker/ asks of them."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from subject.diagnosis.problems import diagnose
from subject.output.exposition import exposition
from tests.certificates import Authority
from tests.integration.gateway.client import Client, within
from tests.integration.gateway.node import Node
from tests.unit.subject.builders import THRESHOLDS, NodeScript, always, snapshot

ROOT = Path(__file__).parents[3]
RULES: dict[str, Any] = yaml.safe_load((ROOT / "docker/alerts.yml").read_text())
ALERTS = {rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"]}
DASHBOARD: dict[str, Any] = json.loads((ROOT / "docker/grafana.json").read_text())
TARGETS = {
    f"{panel['title']}: {target['refId']}": target
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
}
SCRAPED = {"job", "instance"}
"""Labels that Prometheus itself gives each sample."""
SILENT = NodeScript("node-4", always(10)).records(40)
SKEWED = snapshot(
    [one for n, r in ((1, 10), (2, 80), (3, 10)) for one in NodeScript(f"node-{n}", always(r)).records(60)]
    + SILENT
)


@dataclass(frozen=True)
class Sample:
    """One sample, and the type of its family."""

    kind: str
    labels: dict[str, str]


Samples = dict[str, list[Sample]]


def parsed(text: str) -> Samples:
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        assert family.type in ("counter", "gauge", "histogram")
        for sample in family.samples:
            found.setdefault(sample.name, []).append(Sample(family.type, sample.labels))
    return found


@pytest.fixture
async def of_node(start_node: Callable[..., Awaitable[Node]], tmp_path: Path) -> str:
    """The page of a node that serves by TLS, so that all metrics are there."""
    authority = Authority(tmp_path)
    certificate, key = authority.sign()
    node = await start_node(tls_cert=certificate, tls_key=key)
    async with await Client.connect(node.port, authority.client()) as client:
        await client.get()
    _, text = await node.admin("/metrics")
    return text


@pytest.fixture
def samples(of_node: str) -> Samples:
    """Those of a node and of the subject."""
    return parsed(of_node) | parsed(exposition(SKEWED, diagnose(SKEWED, THRESHOLDS)))


def test_prometheus_reads_a_nodes_page(of_node: str) -> None:
    families = list(text_string_to_metric_families(of_node))

    assert len({family.name for family in families}) == len(families)
    for family in families:
        if family.type != "histogram":
            continue
        buckets = [sample for sample in family.samples if sample.name.endswith("_bucket")]
        (count,) = [sample.value for sample in family.samples if sample.name.endswith("_count")]
        counts = [sample.value for sample in buckets]
        assert counts == sorted(counts)
        assert (buckets[-1].labels["le"], counts[-1]) == ("+Inf", count)


@pytest.mark.system
async def test_prometheus_own_tool_has_nothing_against_the_pages(of_node: str) -> None:
    for page in (of_node, exposition(SKEWED, diagnose(SKEWED, THRESHOLDS))):
        assert await promtool("metrics", page=page) == ""


@pytest.mark.system
async def test_nor_against_the_alerts() -> None:
    told = await promtool("rules", "--lint-fatal", str(ROOT / "docker/alerts.yml"))

    assert f"SUCCESS: {len(ALERTS)} rules found" in told


async def promtool(*arguments: str, page: str = "") -> str:
    """What its check of this says, or of a page."""
    pipe = asyncio.subprocess.PIPE
    program = await asyncio.create_subprocess_exec(
        "promtool", "check", *arguments, stdin=pipe, stdout=pipe, stderr=pipe
    )
    out, error = await within(program.communicate(page.encode()))
    assert program.returncode == 0, error.decode()
    return bytes(out).decode()


def test_every_expression_resolves(samples: Samples) -> None:
    expressions = {name: rule["expr"] for name, rule in ALERTS.items()} | {
        name: target["expr"].replace("$__rate_interval", "1m") for name, target in TARGETS.items()
    }

    problems = {name: list(unresolved(text, samples)) for name, text in expressions.items()}

    assert {name: found for name, found in problems.items() if found} == {}


def test_texts_name_only_labels_that_there_are(samples: Samples) -> None:
    texts = {name: " ".join(rule["annotations"].values()) for name, rule in ALERTS.items()}
    named = {name: set(re.findall(r"\$labels\.(\w+)", text)) for name, text in texts.items()}
    named |= {name: set(re.findall(r"{{(\w+)}}", target["legendFormat"])) for name, target in TARGETS.items()}
    asked = {name: rule["expr"] for name, rule in ALERTS.items()} | {
        name: target["expr"].replace("$__rate_interval", "1m") for name, target in TARGETS.items()
    }

    assert {
        name: labels - labels_of(promql_parser.parse(asked[name]), samples) for name, labels in named.items()
    } == {name: set() for name in named}


def test_each_alert_says_what_and_what_to_do() -> None:
    for name, rule in ALERTS.items():
        assert rule["labels"]["severity"] in ("warning", "critical"), name
        assert set(rule["annotations"]) == {"summary", "description"}, name
        assert rule["annotations"]["description"].endswith("."), name


def test_panels_lie_side_by_side_and_say_what_they_show() -> None:
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert all(panel["description"] for panel in DASHBOARD["panels"])


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("gateway_nothing_total", "no gateway_nothing_total"),
        ('gateway_requests_total{outcome="eaten"}', "none of gateway_requests_total has"),
        ("rate(gateway_in_flight[1m])", "gateway_in_flight is a gauge"),
        ("sum by (colour) (gateway_in_flight)", "no label colour"),
        ("histogram_quantile(0.9, rate(gateway_store_seconds_count[1m]))", "no buckets"),
        ("subject_sees ==", "is no PromQL"),
    ],
)
def test_what_would_show_nothing_is_found(expression: str, problem: str, samples: Samples) -> None:
    assert problem in " ".join(unresolved(expression, samples))


def unresolved(text: str, samples: Samples) -> Iterator[str]:
    """What an expression asks for and would not get."""
    try:
        expression = promql_parser.parse(text)
    except ValueError as error:
        yield f"{text} is no PromQL: {error}"
        return
    nodes: list[Any] = []
    promql_parser.walk(expression, pre_visit=lambda node: nodes.append(node))
    for node in nodes:
        yield from _unresolved_in(node, samples)


def _unresolved_in(node: Any, samples: Samples) -> Iterator[str]:
    match node:
        case promql_parser.VectorSelector():
            if node.name not in samples:
                yield f"there is no {node.name}"
            elif not chosen(node, samples):
                yield f"none of {node.name} has {node.matchers}"
        case promql_parser.Call() if node.func.name in ("rate", "increase", "irate"):
            selector = node.args[0].vector_selector
            kinds = {sample.kind for sample in samples.get(selector.name, [])}
            if not kinds <= {"counter", "histogram"}:
                yield f"{node.func.name} of {selector.name}, but {selector.name} is a {kinds.pop()}"
        case promql_parser.Call() if node.func.name == "histogram_quantile":
            if "le" not in labels_of(node.args[1], samples):
                yield f"no buckets in {node}"
        case promql_parser.AggregateExpr() if node.modifier is not None:
            for label in set(node.modifier.labels) - labels_of(node.expr, samples):
                yield f"no label {label} in {node.expr}"


def chosen(selector: Any, samples: Samples) -> list[Sample]:
    """The samples that a selector matches."""
    tests: dict[str, Callable[[str, str], bool]] = {
        "MatchOp.Equal": lambda asked, value: asked == value,
        "MatchOp.NotEqual": lambda asked, value: asked != value,
        "MatchOp.Re": lambda asked, value: re.fullmatch(asked, value) is not None,
        "MatchOp.NotRe": lambda asked, value: re.fullmatch(asked, value) is None,
    }
    return [
        sample
        for sample in samples.get(selector.name, [])
        if all(
            tests[str(matcher.op)](matcher.value, sample.labels.get(matcher.name, ""))
            for matcher in selector.matchers.matchers
        )
    ]


def labels_of(expression: Any, samples: Samples) -> set[str]:
    """The labels that what comes of an expression has."""
    match expression:
        case promql_parser.VectorSelector():
            names = {name for sample in chosen(expression, samples) for name in sample.labels}
            return names | SCRAPED
        case promql_parser.MatrixSelector():
            return labels_of(expression.vector_selector, samples)
        case promql_parser.AggregateExpr():
            return set() if expression.modifier is None else set(expression.modifier.labels)
        case promql_parser.BinaryExpr():
            return labels_of(expression.lhs, samples) | labels_of(expression.rhs, samples)
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr():
            return labels_of(expression.expr, samples)
        case promql_parser.Call():
            inner = [labels_of(argument, samples) for argument in expression.args]
            dropped = {"le"} if expression.func.name == "histogram_quantile" else set()
            return set().union(*inner) - dropped
    return set()
