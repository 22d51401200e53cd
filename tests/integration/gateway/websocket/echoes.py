"""Servers and clients of two libraries that send back what they get."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp
import websockets
from aiohttp import web

from tests.integration.gateway.websocket.cases import MAX_MESSAGE_BYTES

PROTOCOL = websockets.Subprotocol("chat")
KEY = {"X-API-Key": "key-1"}
_AIOHTTP_BYTES = MAX_MESSAGE_BYTES + 1  # of which it takes less


@dataclass
class Seen:
    """What one end of a conversation noted: the extension in use, messages, and the code that closed it."""

    extension: str | None = None
    messages: list[str] = field(default_factory=list)
    code: int | None = None

    def note(self, message: str | bytes) -> None:
        """A message."""
        kind, data = ("text", message.encode()) if isinstance(message, str) else ("bytes", message)
        self.messages.append(f"{kind} of {len(data)}: {hashlib.sha256(data).hexdigest()[:16]}")


class Serve(Protocol):
    """Serves; the context is the port. `end` is called at each conversation's end."""

    def __call__(
        self, end: Callable[[Seen], None], *, deflates: bool = False
    ) -> AbstractAsyncContextManager[int]: ...


@asynccontextmanager
async def serve_websockets(end: Callable[[Seen], None], *, deflates: bool = False) -> AsyncIterator[int]:
    """By websockets."""

    async def talk(socket: websockets.ServerConnection) -> None:
        seen = Seen(extension_of(socket))
        await _echo_websockets(socket, seen)
        seen.code = socket.close_code
        end(seen)

    async with websockets.serve(
        talk,
        "127.0.0.1",
        0,
        compression="deflate" if deflates else None,
        select_subprotocol=lambda _, offered: PROTOCOL if PROTOCOL in offered else None,
        max_size=MAX_MESSAGE_BYTES,
        ping_interval=None,
    ) as server:
        yield next(iter(server.sockets)).getsockname()[1]


async def visit_websockets(port: int) -> int | None:
    """A client of websockets, until it is closed; the code."""
    async with websockets.connect(
        f"ws://127.0.0.1:{port}/",
        additional_headers=KEY,
        compression=None,
        max_size=MAX_MESSAGE_BYTES,
        ping_interval=None,
    ) as socket:
        await _echo_websockets(socket, Seen())
    return socket.close_code


def extension_of(socket: websockets.ServerConnection | websockets.ClientConnection) -> str | None:
    """As it was agreed."""
    return None if socket.response is None else socket.response.headers.get("Sec-WebSocket-Extensions")


async def _echo_websockets(
    socket: websockets.ServerConnection | websockets.ClientConnection, seen: Seen
) -> None:
    with suppress(websockets.ConnectionClosed):
        async for message in socket:
            seen.note(message)
            await socket.send(message)


@asynccontextmanager
async def serve_aiohttp(end: Callable[[Seen], None], *, deflates: bool = False) -> AsyncIterator[int]:
    """By aiohttp."""

    async def talk(request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse(compress=deflates, protocols=[PROTOCOL], max_msg_size=_AIOHTTP_BYTES)
        await socket.prepare(request)
        seen = Seen(socket.headers.get("Sec-WebSocket-Extensions"))
        await _echo_aiohttp(socket, seen)
        seen.code = socket.close_code
        end(seen)
        return socket

    runner = web.ServerRunner(web.Server(talk))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def visit_aiohttp(port: int) -> int | None:
    """A client of aiohttp, until it is closed; the code."""
    async with (
        aiohttp.ClientSession(headers=KEY) as session,
        session.ws_connect(f"http://127.0.0.1:{port}/", max_msg_size=_AIOHTTP_BYTES) as socket,
    ):
        await _echo_aiohttp(socket, Seen())
        return socket.close_code


async def _echo_aiohttp(socket: web.WebSocketResponse | aiohttp.ClientWebSocketResponse, seen: Seen) -> None:
    with suppress(ConnectionError):
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                seen.note(message.data)
                await socket.send_str(message.data)
            elif message.type is aiohttp.WSMsgType.BINARY:
                seen.note(message.data)
                await socket.send_bytes(message.data)


SERVERS: dict[str, Serve] = {"websockets": serve_websockets, "aiohttp": serve_aiohttp}
CLIENTS: dict[str, Callable[[int], Awaitable[int | None]]] = {
    "websockets": visit_websockets,
    "aiohttp": visit_aiohttp,
}
