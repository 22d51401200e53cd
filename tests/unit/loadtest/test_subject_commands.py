"""Reading what the subject prints."""

import json

import pytest

from loadtest.subject_commands import Report, SubjectError, parse

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
    report = parse(Report, "diagnose", text)
    assert report.at == 2.0
    assert report.findings[0].identity == ("node_skew", "node", "node-2")
    assert str(report.findings[0]) == "node_skew (node-2)"


@pytest.mark.parametrize(
    "text", ["", "Traceback", "{}", '{"at": 1, "healthy": true, "findings": [{}]}', "[]"]
)
def test_what_is_no_report_is_said_to_be_none(text: str) -> None:
    with pytest.raises(SubjectError, match="subject diagnose printed no answer that can be read"):
        parse(Report, "diagnose", text)
