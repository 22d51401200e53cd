"""What nodes and the subject tell Prometheus, as tables."""

from gateway.contract.records import Reloads
from gateway.telemetry.counters import Counters
from gateway.telemetry.process import Usage
from gateway.telemetry.prometheus import METRICS, Labelled, Scrape, Value
from subject.diagnosis.problems import diagnose
from subject.output.exposition import Samples, _families
from tests.markdown import rows
from tests.unit.subject.builders import THRESHOLDS, always, cluster, even


def of_nodes() -> str:
    """A line each metric of ``gateway``, with its label and what that may be."""
    nothing = Reloads(done=0, failed=0, at=0.0, problem="")
    idle = Scrape(Counters(), True, nothing, 0, Usage(0.0, 0), open_descriptors=0)
    return rows(
        ("metric", "type", "labels", ""),
        [(f"`{name}`", kind, _values(read(idle)), meaning) for name, kind, meaning, read in METRICS],
    )


def _values(value: Value | None) -> str:
    if not isinstance(value, Labelled):
        return ""
    return f"`{value.label}`: {', '.join(f'`{each}`' for each in value.values)}"


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
