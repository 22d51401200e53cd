"""What several processes have counted, handed over and added up, is what one would have counted."""

from collections.abc import Callable
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.records import decode, encode
from gateway.telemetry.clients import ClientDeltas
from gateway.telemetry.counters import GAUGES, HISTOGRAMS, Counters, Outcome
from gateway.telemetry.deltas import CounterDeltas, Deltas, add

Event = Callable[[Counters], None]


def raised(name: str) -> Event:
    def event(counters: Counters) -> None:
        setattr(counters, name, getattr(counters, name) + 1)

    return event


def timed(name: str, milliseconds: int) -> Event:
    return lambda counters: getattr(counters, name).add(milliseconds / 1000)


NUMBERS = [item.name for item in fields(Counters) if item.type == "int" or item.type is int]
EVENTS = st.one_of(
    st.sampled_from(sorted(set(NUMBERS) - set(GAUGES))).map(raised),
    st.sampled_from(Outcome).map(lambda outcome: lambda counters: counters.count(outcome)),
    st.sampled_from(["idle", "head"]).map(lambda what: lambda counters: counters.count_late(what)),
    st.builds(timed, st.sampled_from(HISTOGRAMS), st.integers(1, 10_000)),
    st.builds(
        lambda client, refused: lambda counters: counters.clients.count(client, refused=refused),
        st.sampled_from("abc"),
        st.booleans(),
    ),
)


class Process:
    """One that counts, and hands over by the wire."""

    def __init__(self) -> None:
        clients = ClientDeltas()
        self.counters = Counters(clients=clients)
        self.deltas = CounterDeltas(self.counters, clients)

    def hand_over(self) -> Deltas:
        return decode(Deltas, encode(self.deltas.take()))


def as_plain(counters: Counters) -> list[object]:
    counters.clients.tick()
    clients = counters.clients
    return [
        *(getattr(counters, name) for name in NUMBERS),
        +counters.messages,
        +counters.late,
        *(getattr(counters, name).buckets() for name in HISTOGRAMS),
        *(round(getattr(counters, name).sum_seconds, 6) for name in HISTOGRAMS),
        clients.sketch,
        sorted(clients.busiest),
        sorted(clients.most_refused),
    ]


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), EVENTS), max_size=60))
def test_sums_over_processes_are_what_one_would_have(steps: list[tuple[int, bool, Event]]) -> None:
    processes = [Process() for _ in range(3)]
    sums, one = Counters(), Counters()
    for which, hands_over, event in steps:
        event(processes[which].counters)
        event(one)
        if hands_over:
            add(sums, processes[which].hand_over())
    for process in processes:
        add(sums, process.hand_over())

    assert as_plain(sums) == as_plain(one)


def test_what_was_handed_over_once_is_not_again() -> None:
    process = Process()
    process.counters.count(Outcome.ADMITTED)
    process.counters.latency.add(0.1)
    process.hand_over()

    again = process.hand_over()
    assert (again.numbers, again.messages, again.late, again.requests) == ({}, {}, {}, {})
    assert [durations.buckets for durations in again.histograms.values()] == [()] * 3


def test_every_number_is_handed_over_or_a_gauge() -> None:
    process = Process()
    for name in NUMBERS:
        setattr(process.counters, name, 7)

    assert process.hand_over().numbers.keys() == set(NUMBERS) - set(GAUGES)


def test_where_nobody_takes_them_clients_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.telemetry.clients._MAX_DELTA_CLIENTS", 3)
    process = Process()
    for client in "abcdea":
        process.counters.clients.count(client, refused=True)

    counted = process.hand_over()
    assert counted.requests == counted.refusals == {"a": 2, "b": 1, "c": 1}
