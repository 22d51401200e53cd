"""Why the subject sees nothing."""

from tests.unit.subject.builders import AWAY, snapshot
from tests.unit.subject.causes.told import causes
from tests.unit.subject.scenes import SCENES


def test_who_sees_nothing_is_told_what_is_away() -> None:
    empty = snapshot([])
    assert "started yet" in causes("observer_blind", empty)[0].text
    assert "between here and the cluster" in causes("observer_blind", SCENES["observer_blind"]())[0].text


def test_where_no_node_is_known_it_is_said_what_to_set() -> None:
    assert "SUBJECT_NODES" in causes("observer_blind", snapshot([], redis=AWAY))[0].text
