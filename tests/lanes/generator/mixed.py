"""Requests that are plain, odd or wrong, in any pieces, and upstreams that respond, break off or are late."""

from dataclasses import replace
from itertools import pairwise
from random import Random

from tests.lanes.generator.answers import behaviour
from tests.lanes.generator.case import (
    Behaviour,
    Case,
    Decision,
    Drain,
    End,
    Hold,
    Leave,
    Pause,
    Piece,
    Round,
    Send,
    Step,
    Verdict,
)
from tests.lanes.generator.configuration import configuration
from tests.lanes.generator.requests import Requests

CASES_A_ROUND = 20
_PEERS = (
    "127.0.0.1",
    "127.0.0.1",
    "127.0.0.1 tls",
    "192.0.2.9",
    "10.0.0.1",
    "198.51.100.7",
    "2001:db8::1",
    "unknown",
)
_EACH_BYTE = 500
_HELD_SECONDS = 1.5
_TURN_BYTES = 32768
_LEAST_SECONDS = 0.00002
_SHORT_SECONDS = 0.3
_LONG_SECONDS = 40.0
"""More than any time limit but that of idle connections."""
_VERDICTS = (Verdict.REFUSED, Verdict.REMEMBERED, Verdict.AWAY, Verdict.LOST)


def made(seed: int) -> Round:
    """The round of a seed, the same on all machines."""
    return round_of(Random(seed), seed)


def round_of(chance: Random, number: int) -> Round:
    """A round."""
    settings, requests = configuration(chance), Requests(chance)
    cases = tuple(_case(chance, requests) for _ in range(CASES_A_ROUND))
    if any(name == "request_timeout" for name, _ in settings.chosen):
        cases = tuple(_taking(case) for case in cases)
    return Round(number, settings, cases)


def _taking(case: Case) -> Case:
    """Without clients that take nothing: of an answer that is then out of time one lane has read more."""
    return replace(case, steps=tuple(step for step in case.steps if not isinstance(step, Hold)))


def _case(chance: Random, made_requests: Requests) -> Case:
    peers = tuple(
        chance.choice(_PEERS) for _ in range(1 if chance.random() < 0.8 else chance.randrange(2, 4))
    )
    by_client = [_sent(chance, made_requests, number) for number in range(len(peers))]
    steps: list[Step] = []
    while any(by_client):
        client = chance.choice([each for each in by_client if each])
        steps.append(client.pop(0))
        while client and _is_joined(steps[-1]):
            steps.append(client.pop(0))
    if chance.random() < 0.03:
        steps.insert(chance.randrange(len(steps) + 1), Drain())
    troubled = chance.random() < 0.3
    behaviours = [behaviour(chance) for _ in range(8)]
    # Of a longer body the other lane stops reading, and sees only some time later that its client leaves.
    is_long = any(isinstance(step, Send) and len(step.data) >= _TURN_BYTES for step in steps)
    is_held = any(isinstance(step, Hold) for step in steps)
    if is_held:
        alone = [step for step in steps if isinstance(step, Pause | Drain) or not step.client]
        steps = [_short(step) if isinstance(step, Pause) else step for step in alone]
        peers = peers[:1]  # others could find a connection to a service free, or not yet
        is_held = any(isinstance(step, Hold) for step in steps)
    return Case(
        peers,
        tuple(steps),
        tuple(_decision(chance, troubled) for _ in range(8)),
        tuple(_held(chance, each) if is_held else each for each in behaviours),
        tuple(chance.random() < 0.3 for _ in range(4)) if chance.random() < 0.1 else (),
        _LONG_SECONDS if is_long or chance.random() < 0.2 else _SHORT_SECONDS,
    )


def _short(pause: Pause) -> Pause:
    """Not so long that an answer which is not taken is given up."""
    return Pause(min(pause.seconds, _HELD_SECONDS))


def _held(chance: Random, given: Behaviour) -> Behaviour:
    """With its body at once: what waits for a client that takes nothing may be put in chunks together.

    Some are longer than what is sent ahead.
    """
    if chance.random() < 0.3:
        head = Piece(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n")
        return Behaviour(
            (head,), (Piece(b"z" * 80_000, _LEAST_SECONDS), Piece(b"z" * 10_000, _LEAST_SECONDS))
        )
    body = b"".join(piece.data for piece in given.body)
    return replace(given, body=(Piece(body, _LEAST_SECONDS),) if body else ())


def _is_joined(step: Step) -> bool:
    return isinstance(step, Send) and step.joined


def _decision(chance: Random, troubled: bool) -> Decision:
    verdict = chance.choice(_VERDICTS) if chance.random() < (0.4 if troubled else 0.05) else Verdict.ADMITTED
    return Decision(verdict, 0.0 if chance.random() < 0.7 else chance.uniform(0.0001, 0.04))


def _sent(chance: Random, made_requests: Requests, client: int) -> list[Step]:
    """What one client does, in order."""
    requests = [made_requests.one() for _ in range(chance.randrange(1, 6))]
    steps: list[Step] = []
    kind = chance.random()
    if kind < 0.7:
        for data in requests:
            steps += [Send(client, data), *_pause(chance, 0.9)]
    else:
        data = b"".join(requests)
        for piece in _cut(chance, data, each_byte=kind > 0.95):
            steps += [Send(client, piece, joined=chance.random() < 0.3), *_pause(chance, 0.25)]
    kind = chance.random()
    place = chance.randrange(1, len(steps) + 1)
    if kind < 0.05:  # without leaving: how much of an answer is on its way when nothing is taken is open
        steps[place - 1 : place - 1] = [Hold(client, still=True)]
        steps += [*_pause(chance, 0.8), Hold(client, still=False)]
    elif kind < 0.2 and all(len(data) < _TURN_BYTES for data in requests):
        # Of a longer body the other lane does not read all at once, nor see at once that its client leaves.
        steps[place if kind < 0.12 else len(steps) :] = [
            *_pause(chance, 0.4),
            Leave(client, chance.choice(tuple(End))),
        ]
    return steps


def _cut(chance: Random, data: bytes, *, each_byte: bool) -> list[bytes]:
    if each_byte:
        data = data[:_EACH_BYTE]
        return [data[place : place + 1] for place in range(len(data))]
    places = {0, len(data), *(chance.randrange(len(data) + 1) for _ in range(chance.randrange(5)))}
    if chance.random() < 0.4:
        places.add(data.find(b"\r\n\r\n") + 4)
    borders = sorted(places)
    return [data[start:end] for start, end in pairwise(borders)]


def _pause(chance: Random, odds: float) -> list[Step]:
    if chance.random() >= odds:
        return []
    kind = chance.random()
    if kind < 0.93:
        return [Pause(chance.uniform(0.0001, 0.2))]
    return [Pause(chance.uniform(0.3, 12.0) if kind < 0.995 else 80.0)]
