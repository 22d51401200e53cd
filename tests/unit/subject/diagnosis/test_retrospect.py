from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pytest

from gateway.contract.records import RosterEntry, TelemetryRecord
from subject.cluster import samples
from subject.cluster.samples import Sample
from subject.diagnosis.past import Past
from subject.diagnosis.retrospect import Episode, by_cause, episodes, moments
from tests.unit.subject.builders import (
    START,
    THRESHOLDS,
    NodeScript,
    Rate,
    always,
    even,
    record,
    steps,
    view,
)
from tests.unit.subject.simulation import Life

SECONDS = 240


def looked_back(
    scripts: Sequence[NodeScript], seconds: int = 120, ends: dict[str, int] | None = None
) -> list[Episode]:
    """What is found of the last `seconds`; nodes in `ends` say nothing from that second on."""
    records = [
        record for script in scripts for record in script.records((ends or {}).get(script.node_id, SECONDS))
    ]
    at = START + SECONDS + 0.9
    now = view(records, at)
    return episodes(now, records, THRESHOLDS, moments(at, seconds, START, 3))


def test_what_is_over_is_told_with_its_beginning_and_end() -> None:
    burst = steps((0, 20), (160, 200), (180, 20))
    (spike,) = [one for one in looked_back(even(burst)) if one.finding.code == "spike_broad"]

    assert spike.since == pytest.approx(START + 160, abs=3)
    assert spike.until == pytest.approx(START + 180, abs=6)


def test_what_is_still_there_has_no_end() -> None:
    (down,) = [
        one for one in looked_back(even(always(60)), ends={"node-2": 200}) if one.finding.code == "node_down"
    ]

    assert (down.finding.subject.id, down.until) == ("node-2", None)
    assert down.since == pytest.approx(START + 200, abs=4)


def silent(scripts: Sequence[NodeScript], gap: range) -> list[str]:
    """The nodes that are found to have been down, where these write nothing in the seconds of `gap`."""
    records = [record for script in scripts for record in script.records(SECONDS, lost=gap)]
    at = START + SECONDS + 0.9
    found = episodes(view(records, at), records, THRESHOLDS, moments(at, 120, START, 3))
    return [one.finding.subject.id for one in found if one.finding.code == "node_down"]


def test_where_nobody_could_write_nobody_was_down() -> None:
    assert silent(even(always(60)), range(180, 210)) == []


def test_where_others_wrote_meanwhile_a_silent_node_was_down() -> None:
    first, *others = even(always(60))
    records = [*first.records(SECONDS, lost=range(180, 210))]
    records += [record for script in others for record in script.records(SECONDS)]
    at = START + SECONDS + 0.9

    found = episodes(view(records, at), records, THRESHOLDS, moments(at, 120, START, 3))

    assert ("node_down", first.node_id) in [(one.finding.code, one.finding.subject.id) for one in found]


@pytest.mark.parametrize(("fallbacks", "down"), [(always(20), []), (always(0), ["node-1"])])
def test_a_node_that_is_alone_was_up_if_it_decided_without_redis(fallbacks: Rate, down: list[str]) -> None:
    alone = NodeScript("node-1", always(20), fallbacks=lambda second: fallbacks(second) * (second > 170))

    assert silent([alone], range(180, 210)) == down


def test_what_was_explained_stands_with_its_cause() -> None:
    storm = steps((0, 1), (160, 100), (190, 1))
    refused = steps((0, 0), (160, 99), (190, 0))
    scripts = even(
        lambda second: 59 + storm(second),
        refused=refused,
        clients={"acme": storm},
        refused_clients={"acme": refused},
    )

    problems = by_cause(looked_back(scripts))

    ((cause, explained),) = problems
    assert cause.finding.code == "retry_storm"
    assert {"limit_breach", "spike_single"} <= {one.finding.code for one in explained}


def test_a_calm_time_has_no_episodes() -> None:
    assert looked_back(even(always(60))) == []


def test_what_comes_again_after_a_while_is_another_episode() -> None:
    twice = steps((0, 20), (140, 200), (150, 20), (200, 200), (210, 20))
    found = [one for one in looked_back(even(twice)) if one.finding.code == "spike_broad"]

    assert [one.until is not None for one in found] == [True, True]
    assert found[0].since < found[1].since


def test_now_is_looked_at_also_where_all_records_are_of_a_time_to_come() -> None:
    """So they are where Redis' clock was put back."""
    assert moments(START, 60, START + 10, 3) == [START]


@pytest.mark.parametrize("nodes", [0, 1, 3, 30, 1000])
@pytest.mark.parametrize("seconds", [1, 30, 60, 300, 600])
def test_moments_reach_from_the_beginning_to_now(seconds: int, nodes: int) -> None:
    times = moments(START + 1000.0, seconds, START, nodes)

    assert times[-1] == START + 1000
    assert times[0] == pytest.approx(START + 1000 - seconds, abs=seconds / 30 + 1)
    assert len(times) <= 121
    if nodes <= 3 and len(times) > 1:
        assert 1 <= times[1] - times[0] <= 5


def test_no_moment_is_before_the_first_record() -> None:
    assert min(moments(START + 100.0, 600, START + 40.0, 3)) >= START + 40


def test_a_node_that_stood_still_for_years_costs_no_more_than_another() -> None:
    records = [record("node-1", START - 1e9, sequence=1), *NodeScript("node-1", always(20)).records(SECONDS)]
    at = START + SECONDS + 0.9
    past, now = Past(records), view(records, at)
    snapshots = [past.snapshot(now, THRESHOLDS, START + second) for second in (0.95, 60)]

    assert all(snapshot.at - snapshot.first_second <= 140 for snapshot in snapshots)


class Plain(Past):
    """The same, by looking through all records for each moment."""

    def between(self, first: float, last: float) -> list[TelemetryRecord]:
        return [one for one in self.records if first <= one.at <= last]

    def samples(self, records: Sequence[TelemetryRecord]) -> tuple[Sample, ...]:
        if not records:
            return ()
        first, last = records[0].at, records[-1].at
        all_samples = samples.made_of(one for one in self.records if one.node_id == records[0].node_id)
        earliest = first - samples.LONGEST_START_SECONDS
        return tuple(one for one in all_samples if first <= one.end <= last and one.start >= earliest)

    def _roster(self, now: Mapping[str, RosterEntry], time: float) -> Iterator[tuple[str, RosterEntry]]:
        for node_id, entry in now.items():
            said = [one for one in (*self.records, entry.last) if one.node_id == node_id and one.at <= time]
            if said:
                yield node_id, replace(entry, last=max(said, key=lambda one: one.at))


LIVES = {
    "calm": Life(lambda _: 30),
    "a spike": Life(lambda second: 200 if 100 <= second < 130 else 30),
    "restarts": Life(lambda _: 30, restarts={60: 1, 150: 0}, away_seconds=15),
    "workers": Life(lambda _: 30, workers=True, weights=(1.0, 8.0)),
}


@pytest.mark.no_cover  # as for test_false_alarms.py
@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_what_is_remembered_of_the_past_is_what_all_records_tell(life: Life) -> None:
    told = {
        (one.node_id, one.boot_id, one.sequence): one
        for _, records, _ in life.telemetry(SECONDS, seed=3)
        for one in records
    }
    at = START + SECONDS + 0.9
    now, times = view(told.values(), at), moments(at, SECONDS, START, 3)[::7]
    past, plain = Past(list(told.values())), Plain(list(told.values()))

    for time in times:
        assert past.snapshot(now, THRESHOLDS, time) == plain.snapshot(now, THRESHOLDS, time)
