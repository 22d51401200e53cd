"""A diagnosis as JSON. The names in it are fixed."""

from dataclasses import asdict
from typing import Any

from subject.causes.cause import Cause
from subject.cluster.snapshot import Snapshot
from subject.diagnosis.problems import Diagnosis, Problem
from subject.finding import Finding, as_json


def document(snapshot: Snapshot, diagnosis: Diagnosis) -> dict[str, Any]:
    """``diagnose --json``."""
    return {
        "at": snapshot.at,
        "healthy": diagnosis.healthy,
        "redis_connected": snapshot.redis.connected,
        "findings": [as_json(found) for found in diagnosis.findings],
        "problems": problems(diagnosis),
    }


def problems(diagnosis: Diagnosis) -> list[dict[str, Any]]:
    """Which of the findings belong together, and why they are there."""
    return [_problem(problem) for problem in diagnosis.problems]


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        **_which(problem.finding),
        "severity": problem.severity,
        "symptoms": [_which(symptom) for symptom in problem.symptoms],
        "causes": [_cause(cause) for cause in problem.causes],
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "text": cause.text,
        "confidence": cause.confidence,
        "speaks_for": list(cause.speaks_for),
        "speaks_against": list(cause.speaks_against),
    }


def _which(found: Finding) -> dict[str, Any]:
    return {"code": found.code, "subject": asdict(found.subject)}
