import inspect
import re
from pathlib import Path

import pytest

import subject.detectors
from subject.finding import Evidence
from subject.output.wording import COMPARED, told


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (Evidence("standard_deviations", 5.0, 28.5, "sd"), "28.5 sd above usual (alarm above 5)"),
        (Evidence("redis_answers_subject", 1, 0, "boolean"), "redis answers subject: no"),
        (Evidence("nodes_that_answer", 2, 0, "nodes"), "nodes that answer 0 nodes (of 2)"),
        (Evidence("nodes_that_answer", None, 0, "nodes"), "nodes that answer 0 nodes"),
        (
            Evidence("chance_if_even", 1e-6, 6.487e-07, "probability"),
            "chance if even 6.487e-07 (alarm below 1e-06)",
        ),
        (Evidence("cluster_rate", 40.0, 1234.0, "requests/s"), "cluster rate 1,234 requests/s (usual 40)"),
        (Evidence("fallback_ratio", 0.01, 0.956, "ratio"), "fallback ratio 96 % (alarm above 1 %)"),
        (Evidence("node_cpu", None, 3.0, "percent"), "node cpu 3 %"),
        (Evidence("store_p50", None, None, "ms"), "store p50 – ms"),
        (
            Evidence("malformed_fields", None, 1, "malformed field: limit:k_0"),
            "1 malformed field: limit:k_0",
        ),
    ],
    ids=lambda value: value.metric if isinstance(value, Evidence) else "",
)
def test_evidence_says_what_it_is_compared_with(item: Evidence, expected: str) -> None:
    assert told(item) == expected


def test_every_baseline_has_its_words() -> None:
    folder = Path(inspect.getfile(subject.detectors)).parent
    compared = {
        metric
        for path in folder.glob("*.py")
        for metric, unit in re.findall(
            r'Evidence\(\s*"(\w+)",(?!\s*None)[^"]*?"([^"]+)"\s*\)', path.read_text()
        )
        if unit != "boolean"
    }

    assert compared - COMPARED.keys() == set()
    assert len(compared) > 5
