from subject.diagnosis.events import Events
from subject.diagnosis.problems import Diagnosis, Problem
from subject.finding import CLUSTER
from tests.unit.subject.findings import finding


def diagnosis(*codes: str) -> Diagnosis:
    return Diagnosis(tuple(Problem(finding(code, CLUSTER), (), ()) for code in codes))


def told(events: Events, at: float, *codes: str) -> list[tuple[float, str, str]]:
    return [(event.at, event.kind, event.finding.code) for event in events.since_last(at, diagnosis(*codes))]


def test_what_begins_and_what_is_over_is_told_once() -> None:
    events = Events()

    assert told(events, 1) == []
    assert told(events, 2, "store_slow") == [(2, "began", "store_slow")]
    assert told(events, 3, "store_slow", "node_skew") == [(3, "began", "node_skew")]
    assert told(events, 4, "node_skew") == [(4, "over", "store_slow")]
    assert told(events, 5, "node_skew") == []


def test_nothing_is_over_while_the_subject_is_blind() -> None:
    events = Events()
    told(events, 1, "store_slow")

    assert told(events, 2, "observer_blind") == [(2, "began", "observer_blind")]
    assert told(events, 3, "store_slow") == [(3, "over", "observer_blind")]


def test_what_is_not_found_in_the_first_seconds_after_blindness_is_not_over_yet() -> None:
    events = Events()
    told(events, 1, "store_slow", "node_skew")
    told(events, 2, "observer_blind")

    assert told(events, 30, "observer_blind") == []
    assert told(events, 31, "node_skew") == [(31, "over", "observer_blind")]
    assert told(events, 40, "node_skew", "store_slow") == []
    assert told(events, 50, "store_slow") == [(50, "over", "node_skew")]
