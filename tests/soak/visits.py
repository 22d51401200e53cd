"""What clients do, well and badly: each visit has a connection of its own, and knows what may come of it."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.integration.gateway.client import Client, request

KEY = b"good"
POOR_KEY = b"poor"
DRIP_SECONDS = 0.3

_NOTHING = ""
"""Where the connection ends, or is left, without an answer."""

_MALFORMED = (
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 9000 + b"\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nX-API-Key: good\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
)

Visit = Callable[[Client, random.Random], Awaitable[str]]


async def get(client: Client, chance: random.Random) -> str:
    """An ordinary request."""
    return await _status(client, request(b"/%d" % chance.randrange(100), key=KEY))


async def pipelined(client: Client, chance: random.Random) -> str:
    """Three requests at once."""
    await client.send(request(key=KEY) * 3)
    statuses = {str((await client.answer()).status) for _ in range(3)}
    return statuses.pop() if len(statuses) == 1 else "different"


async def head(client: Client, chance: random.Random) -> str:
    """A request for a head."""
    await client.send(request(method=b"HEAD", key=KEY))
    return str((await client.answer(head_only=True)).status)


async def post(client: Client, chance: random.Random) -> str:
    """A body of some length."""
    return await _status(client, request(method=b"POST", key=KEY, body=bytes(chance.randrange(50_000))))


async def post_chunks(client: Client, chance: random.Random) -> str:
    """A body in chunks."""
    chunks = b"".join(b"400\r\n" + bytes(1024) + b"\r\n" for _ in range(chance.randrange(20)))
    sent = request(b"/", b"Transfer-Encoding: chunked", method=b"POST", key=KEY) + chunks + b"0\r\n\r\n"
    return await _status(client, sent)


async def malformed(client: Client, chance: random.Random) -> str:
    """What is not HTTP, or not as it should be."""
    return await _status(client, chance.choice(_MALFORMED))


async def without_key(client: Client, chance: random.Random) -> str:
    """A request of nobody's."""
    return await _status(client, request(key=None))


async def too_much(client: Client, chance: random.Random) -> str:
    """A request of a client that has a small limit."""
    return await _status(client, request(key=POOR_KEY))


async def abort_body(client: Client, chance: random.Random) -> str:
    """The half of a body."""
    await client.send(request(b"/", b"Content-Length: 100000", method=b"POST", key=KEY) + bytes(50_000))
    return _NOTHING


async def leave(client: Client, chance: random.Random) -> str:
    """A request whose answer nobody waits for."""
    await client.send(request(b"/slow-answer", key=KEY))
    await asyncio.sleep(chance.random() / 10)
    return _NOTHING


async def leave_big(client: Client, chance: random.Random) -> str:
    """A big answer of which little is taken."""
    await client.send(request(b"/big", key=KEY))
    await client.reader.read(chance.randrange(1, 10_000))
    return _NOTHING


async def slow_head(client: Client, chance: random.Random) -> str:
    """A head that drips."""
    return await _drip(client, b"GET / HTTP/1.1\r\nHost: a\r\nX: ")


async def slow_body(client: Client, chance: random.Random) -> str:
    """A body that drips."""
    return await _drip(client, request(b"/", b"Content-Length: 100000", method=b"POST", key=KEY))


async def websocket(client: Client, chance: random.Random) -> str:
    """A tunnel, and an echo through it."""
    lines = (b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Version: 13")
    key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    await client.send(request(b"/echo", *lines, key, key=KEY))
    start_line, _ = await client.head()
    if b" 101 " in start_line:
        data = bytes(chance.randrange(1, 100_000))
        await client.send(data)
        if await client.reader.readexactly(len(data)) != data:
            return "another echo"
    return start_line.split(b" ")[1].decode()


def _at(path: bytes) -> Visit:
    async def visit(client: Client, chance: random.Random) -> str:
        return await _status(client, request(path, key=KEY))

    visit.__doc__ = f"A request to {path.decode()} of the service."
    return visit


async def _status(client: Client, sent: bytes) -> str:
    await client.send(sent)
    return str((await client.answer()).status)


async def _drip(client: Client, start: bytes) -> str:
    client.writer.write(start)
    answering = asyncio.ensure_future(client.answer())
    while not answering.done():
        await asyncio.wait({answering}, timeout=DRIP_SECONDS)
        if not client.writer.transport.is_closing():
            client.writer.write(b"x")
    return str((await answering).status)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of visit: how often among all, and what may come of it."""

    name: str
    visit: Visit
    weight: float
    outcomes: frozenset[str]
    requests: int = 1


def _kind(name: str, visit: Visit, weight: float, *outcomes: str, requests: int = 1) -> Kind:
    return Kind(name, visit, weight, frozenset(outcomes), requests)


KINDS = (
    _kind("get", get, 30, "200"),
    _kind("pipelined", pipelined, 4, "200", requests=3),
    _kind("head", head, 4, "200"),
    _kind("post", post, 12, "200"),
    _kind("post in chunks", post_chunks, 6, "200"),
    _kind("big answer", _at(b"/big"), 4, "200"),
    _kind("answer in chunks", _at(b"/chunks"), 4, "200"),
    _kind("slow answer", _at(b"/slow-answer"), 4, "200"),
    _kind("websocket", websocket, 4, "101"),
    _kind("malformed", malformed, 5, "400", "431", "501", "505"),
    _kind("without a key", without_key, 3, "401"),
    _kind("over its limit", too_much, 3, "200", "429"),
    _kind("half a body", abort_body, 4, _NOTHING),
    _kind("left before the answer", leave, 4, _NOTHING),
    _kind("left in a big answer", leave_big, 3, _NOTHING),
    _kind("slow head", slow_head, 1, "408", _NOTHING),
    _kind("slow body", slow_body, 1, "408", _NOTHING),
    _kind("upstream is no HTTP", _at(b"/broken"), 1, "502"),
    _kind("upstream breaks off", _at(b"/cut"), 1, _NOTHING),
    _kind("upstream closes", _at(b"/gone"), 1, "502"),
    _kind("upstream says too much", _at(b"/surplus"), 1, "200"),
)


async def pay(kind: Kind, port: int, chance: random.Random) -> str:
    """Make a visit; what came of it."""
    try:
        async with await Client.connect(port) as client:
            return await kind.visit(client, chance)
    except (asyncio.IncompleteReadError, ConnectionError):
        return _NOTHING
    except TimeoutError:
        return "no answer in time"
