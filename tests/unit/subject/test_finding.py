import json

import pytest

from subject.finding import CLUSTER, Evidence, Finding, as_json, confidence
from tests.unit.subject.builders import START

FIELDS = [
    "code",
    "severity",
    "since",
    "at",
    "subject",
    "summary",
    "evidence",
    "confidence",
    "likely_cause",
    "suggested_action",
    "verify_with",
]


def test_a_finding_as_json_has_the_fixed_fields() -> None:
    found = Finding(
        "store_slow",
        "warning",
        START,
        START + 5,
        CLUSTER,
        "Redis is slow",
        (Evidence("store_p99", 1.0, 30.0, "ms"),),
        0.8,
        "subject status",
        "subject nodes",
        likely_cause="load",
    )

    document = json.loads(json.dumps(as_json(found)))

    assert list(document) == FIELDS
    assert document["subject"] == {"kind": "cluster", "id": "cluster"}
    assert document["evidence"] == [{"metric": "store_p99", "baseline": 1.0, "now": 30.0, "unit": "ms"}]


@pytest.mark.parametrize(
    ("margin", "held_seconds", "expected"), [(1, 60, 0.5), (5, 10, 0.87), (1, 1, 0.15), (1e9, 1e6, 0.99)]
)
def test_confidence_grows_with_the_margin_and_with_time(
    margin: float, held_seconds: float, expected: float
) -> None:
    assert confidence(margin, held_seconds) == expected
