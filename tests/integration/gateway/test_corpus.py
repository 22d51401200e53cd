"""What is illegal goes nowhere; what is legal goes on once, and unchanged."""

from collections.abc import Awaitable, Callable

import pytest

from tests.corpus.case import Case, End, Family, Seen
from tests.corpus.corpus import CASES, FAMILIES
from tests.corpus.trial import try_on
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.upstream import Received, Upstream
from tests.integration.gateway.witness import Witness

StartNode = Callable[..., Awaitable[Node]]


def wrong_with(witness: Witness, case: Case, heads: int, whole: int) -> list[str]:
    """What did not arrive as it should, of what has come behind so many before."""
    arrived = witness.whole[whole:]
    wrong = []
    if case.end is not End.BROKEN and case.end is not End.UNFINISHED:
        begun = len(witness.heads) - heads
        wrong += [f"{begun} heads arrived"] if begun != len(case.forwarded) else []
    if len(arrived) != len(case.forwarded):
        return [*wrong, f"{[head.start_line for head, _ in arrived]} arrived whole"]
    for (head, body), expected in zip(arrived, case.forwarded, strict=True):
        wrong += _differences(head, body, expected)
    return wrong


def _differences(head: Received, body: bytes, expected: Seen) -> list[str]:
    wrong = []
    line = b"%b %b HTTP/1.1" % (expected.method, expected.target)
    if head.start_line != line:
        wrong.append(f"{head.start_line[:100]!r} arrived")
    if body != expected.body:
        wrong.append(f"a body of {len(body)} bytes arrived, {body[:100]!r}")
    left = list(head.lines)
    for wanted in expected.lines:
        if wanted in left:
            del left[: left.index(wanted) + 1]
        else:
            wrong.append(f"{wanted[:100]!r} did not arrive in its place")
    names = {line.partition(b":")[0].lower() for line in head.lines}
    return [*wrong, *(f"{name.decode()} arrived" for name in expected.absent if name in names)]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
async def test_every_message_has_its_verdict(
    start_node: StartNode, upstream: Upstream, family: Family
) -> None:
    node = await start_node(default_limit="1000000/m")
    witness = Witness(upstream)
    wrong = {}
    for case in family.cases:
        heads, whole = len(witness.heads), len(witness.whole)
        faults = await try_on(case, node.port) + wrong_with(witness, case, heads, whole)
        if faults:
            wrong[case.name] = faults
    await node.settled()
    assert wrong == {}
    assert len(witness.whole) == sum(len(case.forwarded) for case in family.cases)


async def test_a_body_that_breaks_behind_a_head_that_has_gone_on_never_arrives_whole(
    start_node: StartNode, upstream: Upstream
) -> None:
    node = await start_node(default_limit="1000000/m")
    witness = Witness(upstream)
    cases = [case for case in CASES if case.end is End.BROKEN and not case.forwarded]
    wrong = {}
    for number, case in enumerate(cases, 1):

        async def arrived(number: int = number) -> None:
            await eventually(witness.count_heads, lambda heads: heads == number)

        faults = await try_on(case, node.port, arrived)
        if faults:
            wrong[case.name] = faults
    await node.settled()
    assert (wrong, witness.whole) == ({}, [])
    async with await node.connect() as client:
        assert (await client.get(b"/next")).body == b"ok"
    assert [head.start_line for head, _ in witness.whole] == [b"GET /next HTTP/1.1"]
