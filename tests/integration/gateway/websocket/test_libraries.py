"""Clients and servers of two libraries with each other: the same with a node between them."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from itertools import product

import aiohttp
import pytest
import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from tests.integration.gateway.client import within
from tests.integration.gateway.node import Node
from tests.integration.gateway.websocket.cases import MAX_MESSAGE_BYTES
from tests.integration.gateway.websocket.echoes import KEY, PROTOCOL, SERVERS, Seen, extension_of

StartNode = Callable[..., Awaitable[Node]]
Visit = Callable[[int, bool], Awaitable[Seen]]

MESSAGES: tuple[str | bytes, ...] = (
    "",
    b"",
    *("the same words again and again" for _ in range(5)),
    "κόσμε \U0010ffff",
    "*" * 65536,
    bytes(MAX_MESSAGE_BYTES),
    random.Random(6).randbytes(MAX_MESSAGE_BYTES - 65536),  # deflated it is longer
    *(str(number) for number in range(100)),
)
CODE, REASON = 4321, "good bye"


async def visit_websockets(port: int, deflates: bool) -> Seen:
    """Say all, ping, and close."""
    return await _visit(port, compression="deflate" if deflates else None)


async def visit_without_context(port: int, deflates: bool) -> Seen:
    """The same, with nothing kept of a message for the next, and small windows."""
    factory = ClientPerMessageDeflateFactory(
        server_no_context_takeover=True,
        client_no_context_takeover=True,
        server_max_window_bits=10,
        client_max_window_bits=10,
    )
    return await _visit(port, compression=None, extensions=[factory] if deflates else None)


async def _visit(
    port: int,
    *,
    compression: str | None,
    extensions: list[ClientPerMessageDeflateFactory] | None = None,
) -> Seen:
    async with websockets.connect(
        f"ws://127.0.0.1:{port}/a?b",
        additional_headers=KEY,
        compression=compression,
        extensions=extensions,
        subprotocols=[PROTOCOL],
        max_size=MAX_MESSAGE_BYTES,
    ) as socket:
        assert socket.subprotocol == PROTOCOL
        seen = Seen(extension_of(socket))
        for message in MESSAGES:
            await socket.send(message)
            seen.note(await socket.recv())
        await socket.send(["in ", "three ", "fragments"])
        seen.note(await socket.recv())
        await (await socket.ping(b"are you there?"))
        await socket.close(CODE, REASON)
    seen.code = socket.close_code
    return seen


async def visit_aiohttp(port: int, deflates: bool) -> Seen:
    """The same by aiohttp."""
    async with (
        aiohttp.ClientSession(headers=KEY) as session,
        session.ws_connect(
            f"http://127.0.0.1:{port}/a?b",
            compress=15 if deflates else 0,
            protocols=[PROTOCOL],
            max_msg_size=MAX_MESSAGE_BYTES + 1,
        ) as socket,
    ):
        assert socket.protocol == PROTOCOL
        seen = Seen(f"deflate {socket.compress}, {socket.client_notakeover}" if socket.compress else None)
        for message in MESSAGES:
            await (socket.send_str(message) if isinstance(message, str) else socket.send_bytes(message))
            seen.note((await socket.receive()).data)
        await socket.ping(b"are you there?")
        await socket.close(code=CODE, message=REASON.encode())
        seen.code = socket.close_code
    return seen


CLIENTS: dict[str, Visit] = {
    "websockets": visit_websockets,
    "websockets without context": visit_without_context,
    "aiohttp": visit_aiohttp,
}


@pytest.mark.parametrize(("client", "server"), list(product(CLIENTS, SERVERS)))
@pytest.mark.parametrize("deflates", [False, True], ids=["plain", "deflated"])
async def test_a_conversation_is_the_same(
    start_node: StartNode, client: str, server: str, deflates: bool
) -> None:
    ended: asyncio.Queue[Seen] = asyncio.Queue()

    async def talk(port: int) -> tuple[Seen, Seen]:
        ours = await within(CLIENTS[client](port, deflates))
        return ours, await within(ended.get())

    async with SERVERS[server](ended.put_nowait, deflates=deflates) as port:
        direct = await talk(port)
        node = await start_node(upstream_url=f"http://127.0.0.1:{port}")
        through = await talk(node.port)

    assert through == direct
    ours, theirs = direct
    assert ours.messages == theirs.messages
    assert len(theirs.messages) >= len(MESSAGES)
    assert (theirs.code, (ours.extension is not None)) == (CODE, deflates)


@pytest.mark.parametrize("server", SERVERS)
async def test_many_conversations_at_once_are_not_mixed_up(start_node: StartNode, server: str) -> None:
    async def talk(port: int, number: int) -> None:
        async with websockets.connect(f"ws://127.0.0.1:{port}/", additional_headers=KEY) as socket:
            for turn in range(20):
                message = f"{number}.{turn}" * number
                await socket.send(message)
                assert await socket.recv() == message

    async with SERVERS[server](lambda _: None, deflates=True) as port:
        node = await start_node(upstream_url=f"http://127.0.0.1:{port}")
        await within(asyncio.gather(*(talk(node.port, number) for number in range(50))))
        assert (await node.settled()).boot.admitted == 50
