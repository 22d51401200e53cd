"""What nodes and the subject tell Prometheus, as tables."""

from gateway.telemetry.metrics import METRICS
from subject.diagnosis.problems import diagnose
from subject.output.exposition import Samples, _families
from tests.exactness.tables import rows
from tests.unit.subject.builders import THRESHOLDS, always, cluster, even


def of_nodes() -> str:
    """A line each metric of ``gateway``."""
    return rows(("metric", "type", ""), [(f"`{name}`", kind, meaning) for name, kind, meaning, _ in METRICS])


def of_the_subject() -> str:
    """A line each metric of ``subject``, with its labels, by a look at a calm cluster."""
    seen = cluster(*even(always(60), refused=always(4)), seconds=60)
    families = _families(seen, diagnose(seen, THRESHOLDS))
    return rows(
        ("metric", "type", "labels", ""),
        [
            (f"`{name}`", kind, ", ".join(f"`{label}`" for label in _labels(samples)), meaning)
            for name, kind, meaning, samples in families
        ],
    )


def _labels(samples: Samples) -> list[str]:
    return sorted({label for labels, _ in samples for label in labels})
