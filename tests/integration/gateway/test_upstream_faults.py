"""Each kind of upstream fault gets the right answer, and the next request is served as if all were well."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from tests.integration.gateway.client import PATIENCE_SECONDS, Client, request
from tests.integration.gateway.faults import FAULTS, NEXT, SILENCE_SECONDS, Fault, Faulty
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]
DETAILS = {
    502: "The service behind the gateway did not answer properly.",
    504: "The service behind the gateway did not answer in time.",
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_fault_is_answered_and_the_next_request_is_served(
    start_node: StartNode, upstream: Upstream, fault: Fault
) -> None:
    node = await start_node(upstream_timeout=SILENCE_SECONDS if fault.is_silence else PATIENCE_SECONDS)
    connected: asyncio.Future[Faulty] = asyncio.get_running_loop().create_future()

    async def script(peer: Peer) -> None:
        upstream.script = upstream.answering(NEXT)
        faulty = Faulty(peer, upstream)
        connected.set_result(faulty)
        await fault.script(faulty)

    upstream.script = script
    async with await node.connect() as client:
        stays = await sees(client, fault, connected)
        if stays:
            assert (await client.get()).body == b"next"
        async with await node.connect() as another:
            assert (await another.get()).body == b"next"

    failed = fault.body is None
    record = await node.settled()
    assert (record.boot.failed, record.boot.admitted) == (failed, (not failed) + 1 + stays)
    assert record.upstream.timed_out == fault.is_silence
    assert record.upstream.broken == (failed and not fault.is_silence)


async def sees(client: Client, fault: Fault, connected: "asyncio.Future[Faulty]") -> bool:
    """Whether the connection can go on after the client has seen what it should."""
    await client.send(request(method=fault.method))
    if fault.body is None and fault.status < 300:
        start_line, _ = await client.head()
        assert start_line.startswith(b"HTTP/1.1 %d" % fault.status)
        (await connected).head_seen.set()
        rest = await client.rest()
        assert len(rest) < 10
        assert not rest.endswith(b"0\r\n\r\n")
        return False
    answer = await client.answer(head_only=fault.method == b"HEAD")
    (await connected).head_seen.set()
    assert answer.status == fault.status
    if fault.body is None:
        assert answer.value("Content-Type") == b"application/problem+json"
        document = json.loads(answer.body)
        assert (document["status"], document["detail"]) == (fault.status, DETAILS[fault.status])
    else:
        assert answer.body == fault.body
    assert not answer.closes
    return True


def test_there_are_many_kinds() -> None:
    assert len(FAULTS) >= 70
