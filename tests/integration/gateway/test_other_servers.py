"""Servers of other projects behind the gateway see the requests that the corpus says, and no others."""

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import pytest

from tests.corpus.case import Seen
from tests.corpus.corpus import CASES
from tests.corpus.trial import try_on
from tests.fuzz.connection import Request
from tests.integration.gateway.mutated import ALL_METHODS, answers_to, mutated_requests
from tests.integration.gateway.node import Node
from tests.servers.record import Record, read, record_of
from tests.servers.running import COMMANDS, running

StartNode = Callable[..., Awaitable[Node]]


NUMBER = 200
SEED = 21


def expected(requests: Iterable[Seen | Request], name: str) -> list[Record]:
    records = []
    for request in requests:
        target = request.target.decode("latin-1")
        if name == "uvicorn":  # ASGI has no word for a query that is there and empty
            target = target.removesuffix("?")
        records.append(record_of(request.method.decode(), target, request.body))
    return records


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_server_agrees_on_the_number_and_the_bounds_of_requests(
    start_node: StartNode, tmp_path: Path, name: str
) -> None:
    wrong = {}
    with (tmp_path / "seen").open("a+") as seen:
        async with running(name, tmp_path) as server:
            node = await start_node(upstream_url=server.url, default_limit="1000000/m")
            for case in CASES:
                faults = await try_on(case, node.port)
                records = [read(line) for line in seen]
                if records != expected(case.forwarded, name):
                    faults.append(f"it saw {records}")
                if faults:
                    wrong[case.name] = faults
        late = list(seen)
    assert (wrong, late) == ({}, [])


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_server_agrees_on_mutated_requests(start_node: StartNode, tmp_path: Path, name: str) -> None:
    with (tmp_path / "seen").open("a+") as seen:
        async with running(name, tmp_path) as server:
            node = await start_node(upstream_url=server.url, exempt=ALL_METHODS)
            for mutated in mutated_requests(NUMBER, SEED):
                answers = await answers_to(mutated, node.port)
                assert [answer.status for answer in answers] == mutated.statuses, mutated
                assert [read(line) for line in seen] == expected(mutated.found.requests, name), mutated
        assert list(seen) == []
