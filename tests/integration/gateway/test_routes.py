"""Routes that lead to upstreams of their own."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from loadtest import redis_server
from loadtest.ports import free_port
from tests.integration.gateway.client import Answer, Client, request
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.upstream import Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]
DEFAULT, SEARCH = b"ok", b"search"


def answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


@pytest.fixture
async def search() -> AsyncIterator[Upstream]:
    """A second service, which says so."""
    async with Upstream() as started:
        started.script = started.answering(answer(SEARCH))
        yield started


class RoutesFile:
    """Routes to one upstream, called search."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "routes.toml"

    def write(self, urls: str | None, *routes: str) -> Path:
        """Put it there, or another one in its place."""
        upstreams = "" if urls is None else f'[upstreams]\nsearch = "{urls}"\n'
        lines = "".join(f'[[routes]]\nname = "r{n}"\n{route}\n' for n, route in enumerate(routes))
        new = self.path.with_suffix(".new")
        new.write_text(upstreams + lines)
        new.replace(self.path)
        return self.path


@pytest.fixture
def file(tmp_path: Path) -> RoutesFile:
    return RoutesFile(tmp_path)


async def get(client: Client, target: bytes, host: bytes = b"service.example") -> Answer:
    await client.send(request(target).replace(b"service.example", host))
    return await client.answer()


async def test_host_and_path_say_which_service_gets_a_request_and_it_goes_there_as_it_came(
    start_node: StartNode, upstream: Upstream, search: Upstream, file: RoutesFile
) -> None:
    routes = file.write(
        search.url,
        'path = "/find"\nhost = "*.example"\nupstream = "search"',
        'path = "/"\nhost = "find.test"\nupstream = "search"',
    )
    node = await start_node(routes_file=routes)
    sent = [
        (b"/find?q=%2e", b"www.Example:8080", SEARCH),
        (b"/find", b"example", DEFAULT),
        (b"/findings", b"www.example", DEFAULT),
        (b"/any%20thing", b"FIND.test.", SEARCH),
        (b"/any", b"www.find.test", DEFAULT),
    ]
    async with await node.connect() as client:
        bodies = [(await get(client, target, host)).body for target, host, _ in sent]

    assert bodies == [service for *_, service in sent]
    for service, received in ((SEARCH, search.requests), (DEFAULT, upstream.requests)):
        expected = [(target, host) for target, host, of in sent if of == service]
        assert [(one.start_line.split(b" ")[1], *one.values("Host")) for one in received] == expected


@pytest.mark.parametrize("options", [{"exempt": "GET /find"}, {"allow": "127.0.0.1"}])
async def test_who_is_not_counted_is_led_there_too(
    start_node: StartNode, search: Upstream, file: RoutesFile, options: dict[str, str]
) -> None:
    routes = file.write(search.url, 'path = "/find"\nupstream = "search"\nlimit = "1/h"')
    node = await start_node(routes_file=routes, **options)
    async with await node.connect() as client:
        assert [(await client.get(b"/find")).body for _ in range(2)] == [SEARCH, SEARCH]


async def test_a_route_has_an_upstream_and_a_limit(
    start_node: StartNode, upstream: Upstream, search: Upstream, file: RoutesFile
) -> None:
    routes = file.write(search.url, 'path = "/find"\nupstream = "search"\nlimit = "2/h"')
    node = await start_node(routes_file=routes)
    async with await node.connect() as client:
        statuses = [(await client.get(b"/find")).status for _ in range(3)]
        assert (await client.get(b"/")).body == DEFAULT

    assert statuses == [200, 200, 429]
    assert (len(search.requests), len(upstream.requests)) == (2, 1)


async def test_what_two_services_could_claim_is_refused_and_reaches_and_costs_nothing(
    start_node: StartNode, upstream: Upstream, search: Upstream, file: RoutesFile
) -> None:
    node = await start_node(
        routes_file=file.write(search.url, 'path = "/find"\nupstream = "search"'), default_limit="1/h"
    )
    async with await node.connect() as client:
        refused = [await client.get(target) for target in (b"/x/..%2ffind", b"/find/../x", b"//x/find")]
        # one service, whichever way it is read
        served = await client.get(b"/find/x%2fy")

    for each in refused:
        assert (each.status, each.value("Content-Type")) == (400, b"application/problem+json")
        assert "several ways" in json.loads(each.body)["detail"]
    assert (served.status, served.body) == (200, SEARCH)
    assert upstream.requests == []
    assert [one.start_line for one in search.requests] == [b"GET /find/x%2fy HTTP/1.1"]
    record = await node.settled()
    assert (record.malformed, record.boot.requests, record.boot.admitted) == (3, 1, 1)


async def test_what_got_no_answer_at_one_address_of_a_route_is_tried_at_the_other(
    start_node: StartNode, upstream: Upstream, search: Upstream, file: RoutesFile
) -> None:
    async def closing(peer: Peer) -> None:
        await peer.head()
        peer.close()

    async with Upstream() as broken:
        broken.script = closing
        urls = f"{broken.url},http://127.0.0.1:{free_port()},{search.url}"
        node = await start_node(routes_file=file.write(urls, 'path = "/find"\nupstream = "search"'))
        async with await node.connect() as client:
            bodies = [(await client.get(b"/find")).body for _ in range(4)]

    assert bodies == [SEARCH] * 4
    assert upstream.requests == []
    assert (await node.settled()).upstream.broken == 0


TO_SEARCH = 'path = "/find"\nupstream = "search"\nlimit = "{}/h"'


async def test_a_reload_leads_elsewhere_with_new_limits_or_does_neither(
    start_node: StartNode, upstream: Upstream, search: Upstream, file: RoutesFile
) -> None:
    node = await start_node(routes_file=file.write(search.url, TO_SEARCH.format(100)))

    async def told(client: Client) -> tuple[bytes, bytes]:
        got = await client.get(b"/find")
        return got.body, (got.value("RateLimit-Policy") or b"").partition(b", ")[2]

    async with Upstream() as other, await node.connect() as client:
        other.script = other.answering(answer(b"other"))
        assert await told(client) == (SEARCH, b'"route/r0";q=100;w=3600')

        file.write(other.url, TO_SEARCH.format(200))
        assert (await node.reload()).problem == ""
        assert await told(client) == (b"other", b'"route/r0";q=200;w=3600')

        file.write("http://h/path", TO_SEARCH.format(300))
        assert "upstream 'search': write http://HOST" in (await node.reload()).problem
        file.write(None, TO_SEARCH.format(300))
        assert "route 'r0': there is no upstream 'search'" in (await node.reload()).problem
        assert await told(client) == (b"other", b'"route/r0";q=200;w=3600')

        file.write(None, 'path = "/find"\nlimit = "300/h"')
        assert (await node.reload()).problem == ""
        assert await told(client) == (DEFAULT, b'"route/r0";q=300;w=3600')


@pytest.mark.parametrize("later", ["", 'path = "/find"\ncost = 2'])
async def test_a_request_under_way_ends_where_it_is_and_then_the_connection_closes(
    start_node: StartNode, search: Upstream, file: RoutesFile, later: str
) -> None:
    arrived, free, closed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(peer: Peer) -> None:
        await peer.head()
        arrived.set()
        await free.wait()
        await peer.send(answer(SEARCH))
        await peer.gone()
        closed.set()

    node = await start_node(routes_file=file.write(search.url, 'path = "/find"\nupstream = "search"'))
    search.script = slow
    async with await node.connect() as client, await node.connect() as another:
        await client.send(request(b"/find"))
        await arrived.wait()
        file.write(None, *filter(None, [later]))
        assert (await node.reload()).problem == ""
        assert (await another.get(b"/find")).body == DEFAULT
        free.set()
        assert (await client.answer()).body == SEARCH
        await closed.wait()


async def test_idle_connections_to_an_address_that_is_gone_close_and_those_to_others_stay(
    start_node: StartNode, upstream: Upstream, search: Upstream, file: RoutesFile
) -> None:
    closed = asyncio.Event()

    async def once(peer: Peer) -> None:
        await search.take(peer)
        await peer.send(answer(SEARCH))
        await peer.gone()
        closed.set()

    node = await start_node(routes_file=file.write(search.url, 'path = "/find"\nupstream = "search"'))
    search.script = once
    async with await node.connect() as client:
        assert (await client.get(b"/find")).body == SEARCH
        assert (await client.get()).body == DEFAULT
        connections = upstream.connections
        file.write(None)
        assert (await node.reload()).problem == ""
        await closed.wait()
        assert (await client.get(b"/find")).body == DEFAULT

    assert upstream.connections == connections


async def test_a_request_that_is_being_decided_about_goes_where_it_belonged_at_first(
    start_node: StartNode, search: Upstream, file: RoutesFile
) -> None:
    with redis_server.running() as server:
        routes = file.write(search.url, 'path = "/find"\nupstream = "search"')
        node = await start_node(routes_file=routes, redis_url=server.url, store_deadline=20.0)
        async with await node.connect() as client:
            assert (await client.get(b"/find")).body == SEARCH
            os.kill(server.pid, signal.SIGSTOP)
            try:
                await client.send(request(b"/find"))
                await eventually(node.record, lambda record: record.in_flight == 1)
                file.write(None)
                assert (await node.reload()).problem == ""
            finally:
                os.kill(server.pid, signal.SIGCONT)
            assert (await client.answer()).body == SEARCH
            assert (await client.get(b"/find")).body == DEFAULT
