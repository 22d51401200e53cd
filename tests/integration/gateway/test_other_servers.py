"""Servers of other projects behind the gateway see the requests that the corpus says, and no others."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.corpus.case import Seen
from tests.corpus.corpus import CASES
from tests.corpus.trial import try_on
from tests.integration.gateway.node import Node
from tests.servers.record import Record, read, record_of
from tests.servers.running import COMMANDS, running

StartNode = Callable[..., Awaitable[Node]]


def expected(request: Seen, name: str) -> Record:
    target = request.target.decode("latin-1")
    if name == "uvicorn":  # ASGI has no word for a query that is there and empty
        target = target.removesuffix("?")
    return record_of(request.method.decode(), target, request.body)


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
                if records != [expected(request, name) for request in case.forwarded]:
                    faults.append(f"it saw {records}")
                if faults:
                    wrong[case.name] = faults
        late = list(seen)
    assert (wrong, late) == ({}, [])
