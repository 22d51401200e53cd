"""The ground of the Autobahn cases: libraries behave through a node as they do without it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from tests.integration.gateway.client import within
from tests.integration.gateway.node import Node
from tests.integration.gateway.websocket.cases import GROUND, MASKS, Case
from tests.integration.gateway.websocket.driver import Driver, Seen
from tests.integration.gateway.websocket.echoes import CLIENTS, SERVERS
from tests.integration.gateway.websocket.echoes import Seen as Ended
from tests.integration.gateway.websocket.frames import CLOSE

StartNode = Callable[..., Awaitable[Node]]
Observed = dict[str, tuple[Seen, int | None]]
GROUNDS = pytest.mark.parametrize(
    ("library", "cases"),
    [
        *(
            pytest.param(library, cases, id=f"{library}, {name}")
            for library in SERVERS
            for name, cases in GROUND.items()
        ),
        pytest.param("websockets", MASKS, id="websockets, masks"),
    ],
)


@GROUNDS
async def test_servers_see_and_answer_the_same(
    start_node: StartNode, library: str, cases: Sequence[Case]
) -> None:
    ended: asyncio.Queue[Ended] = asyncio.Queue()

    async def observe(port: int) -> Observed:
        seen: Observed = {}
        for case in cases:
            driver = await Driver.connect(port)
            seen[case.name] = await driver.play(case), (await within(ended.get())).code
        return seen

    async with SERVERS[library](ended.put_nowait) as port:
        direct = await observe(port)
        node = await start_node(upstream_url=f"http://127.0.0.1:{port}")
        through = await observe(node.port)

    assert through == direct
    check(library, cases, direct)


@GROUNDS
async def test_clients_see_and_answer_the_same(
    start_node: StartNode, library: str, cases: Sequence[Case]
) -> None:
    arrived: asyncio.Queue[Driver] = asyncio.Queue()

    def driver() -> Driver:
        arrived.put_nowait(made := Driver(is_client=False))
        return made

    async def observe(port: int) -> Observed:
        seen: Observed = {}
        for case in cases:
            visit = asyncio.ensure_future(CLIENTS[library](port))
            server = await within(arrived.get())
            await server.accept()
            seen[case.name] = await server.play(case), await within(visit)
        return seen

    loop = asyncio.get_running_loop()
    async with await loop.create_server(driver, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        direct = await observe(port)
        node = await start_node(upstream_url=f"http://127.0.0.1:{port}")
        while not arrived.empty():
            arrived.get_nowait()
        through = await observe(node.port)

    assert through == direct
    check(library, cases, direct)


def check(library: str, cases: Sequence[Case], observed: Observed) -> None:
    """That the cases did what they are there for. aiohttp often says 1000, and lets some codes pass."""
    for case in cases:
        frames, _ = observed[case.name]
        codes = [frame.code for frame in frames if frame.opcode == CLOSE]
        if library == "websockets":
            assert codes == [case.code], case.name
        else:
            assert codes in ([case.code], [1000]), case.name
        if case.is_right:
            assert len(frames) == 1 + sum(step.replies for step in case.steps), case.name
