"""What a subject returns when it is asked to observe, of findings that a test makes."""

import json
from collections.abc import Sequence
from typing import Any

from subject.diagnosis.problems import Diagnosis, Problem
from subject.finding import Finding, Target, as_json
from subject.output.diagnosis_document import problems
from tests.unit.subject.builders import START

NODE, CLIENT = Target("node", "node-2"), Target("client", "acme")
Together = Sequence[Finding]
"""A cause and what comes from it."""


def observation(*found: Any) -> dict[str, Any]:
    """One of a subject that does not say which findings belong together."""
    return {"findings": [as_json(one) for one in found]}


def observed(*of: Together | Finding, at: float = START + 20, redis: bool = True) -> dict[str, Any]:
    """What `observe` returns at that time of these problems."""
    diagnosis = Diagnosis(
        tuple(
            Problem(one, (), ()) if isinstance(one, Finding) else Problem(one[0], tuple(one[1:]), ())
            for one in of
        )
    )
    document = {
        "at": at,
        "redis_connected": redis,
        "findings": [as_json(one) for one in diagnosis.findings],
        "problems": problems(diagnosis),
    }
    return dict(json.loads(json.dumps(document)))
