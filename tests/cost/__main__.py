"""Where the time of a plain request goes within a node: python -m tests.cost [--json]

Each stage by itself, again and again, and then all of them in turn, as requests need them, which is slower:
little of the code is in the processor's caches then. Nobody is at the other ends: what is sent goes nowhere,
and decisions are made at once. What a pipeline to Redis costs is told by `python -m tests.scale decisions`,
and what the kernel does is in `make bench` alone.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Callable

import uvloop

from gateway.admission import Decision
from gateway.contract.routes import DEFAULT_UPSTREAM
from gateway.http.request_id import RequestIds
from gateway.http.response_head import ResponseHead, render_relayed_head
from gateway.http.response_parser import Piece, parse_common_head
from gateway.proxy import replies
from gateway.proxy.simple_request import SimpleRequest, SimpleRequestParser
from gateway.proxy.upstream_connection import UpstreamError
from gateway.telemetry.counters import Outcome
from tests.cost.stage_set import ANSWER, REQUEST, StageSet

ROUNDS = 20
REQUESTS = 1000
PEER = "127.0.0.1"


class Nobody:
    """Receives answers, and does nothing with them."""

    def on_headers(self, head: ResponseHead) -> None: ...

    def on_response(self, head: ResponseHead, body: bytes) -> None: ...

    def on_data(self, piece: Piece) -> None: ...

    def on_idle(self) -> None: ...

    def on_complete(self) -> None: ...

    def on_error(self, error: UpstreamError) -> None: ...

    def on_upstream_full(self) -> None: ...

    def on_upstream_ready(self) -> None: ...

    def fail(self, error: BaseException) -> None:
        raise error


def least_us(step: Callable[[int], object]) -> float:
    """Microseconds a request, the least of the rounds: what disturbs a measurement only adds to it."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for number in range(REQUESTS):
            step(number)
        best = min(best, (time.process_time() - began) / REQUESTS * 1e6)
    return best


def stages() -> dict[str, float]:
    """By name, those of a request that passes; the last ones are of all."""
    parts, nobody, ids = StageSet(admits=True), Nobody(), RequestIds(os.urandom)
    proxy, options = parts.proxy, parts.proxy.options
    admission, policies, counters = proxy.admission, proxy.policies, proxy.counters
    (address,) = proxy.upstreams.addresses
    reader = SimpleRequestParser(
        options.request_builder, options.preflight, frozenset(), parts.settings.key_header
    )
    upstreams = proxy.upstreams.current[DEFAULT_UPSTREAM]
    answers = [ANSWER % number for number in range(REQUESTS)]
    wires = [REQUEST % (number, number) for number in range(REQUESTS)]

    def read(number: int) -> SimpleRequest:
        plain = reader.read(wires[number], PEER, b"http", is_trusted=False)
        assert plain is not None
        return plain

    plains = [read(number) for number in range(REQUESTS)]

    def decide(number: int) -> Decision:
        plain = plains[number]
        decision = admission.check(policies, plain, plain.key, PEER, lambda _: None)
        assert isinstance(decision, Decision)
        return decision

    decision, text = decide(0), (ANSWER % 7).partition(b"\r\n\r\n")[0]
    client = decision.client or ""
    head = parse_common_head(text, has_body=True)
    assert head is not None

    def exchange(number: int) -> None:
        connection = address.checkout_idle()
        assert connection is not None
        upstreams.acquire(address)
        data = plains[number].render_with(options.request_builder.identity_lines(ids.new(), client))
        connection.start(data, nobody, has_response_body=True)
        connection.data_received(answers[number])
        address.active -= 1
        address.release(connection)

    def reply(_: int) -> bytes:
        limits = replies.limit_lines(decision, options.ratelimit_headers)
        return render_relayed_head(head, limits, b"", "0" * 32, parts.settings.node_id, now=0.0)

    def count(number: int) -> None:
        counters.clients.count(client, refused=False)
        counters.latency.add(0.001)
        counters.upstream_latency.add(0.0005)
        counters.messages[Outcome.ADMITTED] += 1

    found = {
        "read the request, by what is remembered of its kind": least_us(read),
        "identify its client, and decide": least_us(decide),
        "send it on, and read the answer": least_us(exchange),
        "make the answer's head": least_us(reply),
        "count": least_us(count),
    }
    found["all of these"] = sum(found.values())
    found["a request, all in turn"] = least_us(parts.serve)
    parts.close()
    return found


def refusal() -> float:
    """The same of a request that is refused from memory."""
    parts = StageSet(admits=False)
    try:
        return least_us(parts.refuse)
    finally:
        parts.close()


async def measure() -> dict[str, float]:
    """On the event loop that a node runs on."""
    await asyncio.sleep(0)
    return {**stages(), "a request that is refused from memory": refusal()}


def main(arguments: list[str]) -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.cost", description=__doc__)
    parser.add_argument("--json", action="store_true", help="as JSON")
    options = parser.parse_args(arguments)
    found = uvloop.run(measure())
    if options.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return 0
    sys.stdout.write("| stage | µs |\n| --- | --- |\n")
    for name, microseconds in found.items():
        sys.stdout.write(f"| {name} | {microseconds:.1f} |\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
