"""What a node tells of a request that it refused, at its admin listener."""

from collections.abc import Awaitable, Callable

import pytest

from gateway.contract.limits import parse_limits
from gateway.contract.records import MAX_REFUSALS, Refusal, decode
from gateway.last_refusals import HANDED_OVER, none_yet, take
from tests.integration.gateway.client import Answer, request
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.upstream import Held, Upstream

StartNode = Callable[..., Awaitable[Node]]


def id_of(answer: Answer) -> str:
    return (answer.value("X-Request-Id") or b"").decode()


async def refusal(node: Node, request_id: str) -> Refusal | None:
    status, text = await node.admin(f"/refusals/{request_id}")
    assert status in (200, 404)
    return decode(Refusal, text) if status == 200 else None


@pytest.mark.parametrize("fast_lane", [True, False])
async def test_a_refused_request_is_told_by_its_id(start_node: StartNode, fast_lane: bool) -> None:
    node = await start_node(default_limit="2/s,3/h", fast_lane=fast_lane)
    async with await node.connect() as client:
        given = [await client.get() for _ in range(3)]
        given += [await client.get(), await client.get()]  # the second one from memory
    admitted, *_, asked, remembered = given
    assert (admitted.status, asked.status, remembered.status) == (200, 429, 429)

    for answer in (asked, remembered):
        found = await refusal(node, id_of(answer))
        assert found is not None
        assert found.request_id == id_of(answer)
        assert found.client.startswith("k_")
        assert {str(by.limit) for by in found.by} <= {"2/s", "3/h"}
        assert all(by.remaining == 0 and by.retry_after_seconds > 0 for by in found.by)
        assert abs(found.at - (await node.record()).at) < 10
    assert await refusal(node, id_of(admitted)) is None


async def test_a_place_that_was_missing_is_told_as_such(start_node: StartNode, upstream: Upstream) -> None:
    upstream.script = Held(upstream)
    node = await start_node(default_concurrency=1)

    async def arrived() -> int:
        return len(upstream.requests)

    async with await node.connect() as held, await node.connect() as client:
        await held.send(request())
        await eventually(arrived, lambda number: number == 1)
        answer = await client.get()
        found = await refusal(node, id_of(answer))

    assert answer.status == 429
    assert found is not None
    assert (found.by, found.concurrency) == ((), 1)


async def test_only_the_last_ones_are_kept_and_none_with_a_key(start_node: StartNode) -> None:
    node = await start_node(default_limit="1/h")
    async with await node.connect() as client:
        first = [await client.get(key=b"sk-secret-4711") for _ in range(2)][1]
        _, text = await node.admin(f"/refusals/{id_of(first)}")
        assert "4711" not in text
        for _ in range(MAX_REFUSALS):
            last = await client.get(key=b"sk-secret-4711")

    assert await refusal(node, id_of(first)) is None
    assert await refusal(node, id_of(last)) is not None


def test_a_worker_hands_over_the_last_ones_once() -> None:
    from gateway.admission import Decision
    from gateway.limiter.decision import WindowStatus
    from gateway.policy.resolve import windows_of

    kept = none_yet()
    meters = windows_of("gold", "client", parse_limits("5/s"), shadow=False)
    for number in range(300):
        kept.append(
            (f"r{number}", Decision(False, "acme", meters, (WindowStatus(False, 0, 0.5),)), float(number))
        )

    told = take(kept, lambda at: 1000 + at)

    assert [one.request_id for one in told] == [f"r{number}" for number in range(300 - HANDED_OVER, 300)]
    assert (told[-1].at, told[-1].client, told[-1].by[0].retry_after_seconds) == (1299, "acme", 0.5)
    assert take(kept, lambda at: at) == ()
