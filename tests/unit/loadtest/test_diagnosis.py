"""Reading what the subject prints."""

import json

import pytest

from loadtest import diagnosis
from loadtest.diagnosis import DiagnosisError, NodeTotals

FINDING = {
    "code": "node_skew",
    "severity": "warning",
    "since": 1.0,
    "at": 2.0,
    "subject": {"kind": "node", "id": "node-2"},
    "summary": "node-2 serves 80 % of the requests",
    "evidence": [],
    "confidence": 0.9,
    "likely_cause": "the load balancer",
    "suggested_action": "subject nodes",
    "verify_with": "subject nodes",
}


def test_a_report_is_read() -> None:
    text = json.dumps({"at": 2.0, "healthy": False, "redis_connected": True, "findings": [FINDING]})
    report = diagnosis.parse_report(text)
    assert report.at == 2.0
    assert report.findings[0].identity == ("node_skew", "node", "node-2")
    assert str(report.findings[0]) == "node_skew (node-2)"


@pytest.mark.parametrize(
    "text", ["", "Traceback", "{}", '{"at": 1, "healthy": true, "findings": [{}]}', "[]"]
)
def test_what_is_no_report_is_said_to_be_none(text: str) -> None:
    with pytest.raises(DiagnosisError, match="printed no report"):
        diagnosis.parse_report(text)


def test_totals_are_read_by_node() -> None:
    totals = {"requests": 10, "admitted": 6, "refused": 4, "failed": 0, "unidentified": 0}
    text = json.dumps({"at": 1.0, "nodes": [{"id": "node-1", "totals": totals, "state": "Up"}]})
    assert diagnosis.parse_node_totals(text) == {"node-1": NodeTotals(10, 6, 4, 0, 0)}
    with pytest.raises(DiagnosisError, match="printed no nodes"):
        diagnosis.parse_node_totals('{"nodes": [{"id": "node-1"}]}')
