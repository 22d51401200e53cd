"""SIGHUP: a node's files are read anew, and taken over whole or not at all."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import LIMIT_FIELD, Override
from gateway.contract.policy_table import ClientPolicy, PolicyTable
from gateway.contract.records import RosterEntry, decode, encode
from tests.integration.gateway.client import Answer, Client, request
from tests.integration.gateway.node import eventually
from tests.integration.gateway.processes import NodeProcess, node_process
from tests.integration.gateway.upstream import Peer, Upstream

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def acme(*lines: str) -> str:
    return "\n".join(["[[clients]]", 'name = "acme"', 'key = "key-1"', *lines])


def left(answer: Answer) -> list[str]:
    """What remains of each policy."""
    return re.findall(r"r=(\d+)", (answer.value("RateLimit") or b"").decode())


@dataclass(frozen=True)
class Reloading:
    """A node, and the files that it reads."""

    node: NodeProcess
    folder: Path

    def write(self, *, clients: str | None = None, routes: str | None = None) -> None:
        """Put other files in the place of those, as an editor does: no reader sees a part of one."""
        for name, text in (("clients", clients), ("routes", routes)):
            if text is not None:
                new = self.folder / f"{name}.new"
                new.write_text(text)
                new.replace(self.folder / f"{name}.toml")

    async def metric(self, name: str) -> float:
        async with await self.node.connect_admin() as client:
            text = (await client.get_admin(b"/metrics")).body.decode()
        (value,) = re.findall(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(value)

    async def log(self) -> str:
        return self.node.log.read_text()

    async def reload(self, outcome: str = "done") -> None:
        """Send the signal, and wait for what becomes of it."""
        name = f'gateway_reloads_total{{outcome="{outcome}"}}'
        before = await self.metric(name)
        self.node.process.send_signal(signal.SIGHUP)
        await eventually(lambda: self.metric(name), lambda value: value == before + 1, seconds=30)

    async def get(self, target: bytes = b"/", **options: bytes) -> Answer:
        async with await self.node.connect() as client:
            return await client.get(target, **options)


@asynccontextmanager
async def reloading(
    folder: Path, upstream: Upstream, redis_url: str, *, clients: str, routes: str = ""
) -> AsyncIterator[Reloading]:
    for name, text in (("clients", clients), ("routes", routes)):
        (folder / f"{name}.toml").write_text(text)
    settings = {
        "GATEWAY_UPSTREAM_URL": upstream.url,
        "GATEWAY_CLIENTS_FILE": "clients.toml",
        "GATEWAY_ROUTES_FILE": "routes.toml",
        "GATEWAY_STORE_DEADLINE": "2",
        "REDIS_URL": redis_url,
        "NODE_ID": "node-1",
    }
    async with node_process(folder, **settings) as node:
        yield Reloading(node, folder)
        assert "Traceback" not in node.log.read_text()


async def test_both_files_are_taken_over_and_published(
    upstream: Upstream, redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    async with reloading(tmp_path, upstream, redis_url, clients=acme('limit = "5/m"')) as it:
        first = await it.node.state()
        it.write(
            clients=acme('limit = "7/m"'), routes='[[routes]]\nname = "all"\npath = "/"\nlimit = "9/m"\n'
        )
        await it.reload()
        answer = await it.get()
        second = await it.node.state()

        assert answer.value("RateLimit-Policy") == b'"client";q=7;w=60, "route/all";q=9;w=60'
        assert second.policy_digest != first.policy_digest
        assert second.address == first.address
        assert (second.last.reloads.done, second.last.reloads.problem) == (1, "")

        async def published() -> tuple[str | None, str | None]:
            entry = await redis_client.hget(keys.NODES, "node-1")
            digest = "" if entry is None else decode(RosterEntry, str(entry)).policy_digest
            text = await redis_client.get(keys.policy_table(second.policy_digest))
            return digest, None if text is None else str(text)

        digest, text = await eventually(published, lambda found: found[0] == second.policy_digest)
        assert text is not None, "a digest is not told before its table"
        table = decode(PolicyTable, text)
        assert (table.digest(), table.clients) == (digest, {"acme": ClientPolicy(limit=parse_limits("7/m"))})


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"clients": "clients ="}, "clients.toml: not TOML"),
        ({"clients": acme('plan = "gold"')}, "clients.toml: client 'acme': there is no plan 'gold'"),
        ({"routes": '[[routes]]\nname = "a"'}, "routes.toml: route 'a': "),
        ({"routes": '[[routes]]\nname = "a"\npath = "/"\ncost = 6'}, "routes.toml: route 'a' costs 6, which"),
    ],
)
async def test_of_a_bad_file_and_the_good_one_beside_it_nothing_is_taken_over(
    upstream: Upstream, redis_url: str, tmp_path: Path, files: dict[str, str], problem: str
) -> None:
    async with reloading(tmp_path, upstream, redis_url, clients=acme('limit = "5/m"')) as it:
        before = await it.node.state()
        it.write(
            **{
                "clients": acme('limit = "4/m"'),
                "routes": '[[routes]]\nname = "b"\npath = "/"\ncost = 2\n',
                **files,
            }
        )
        await it.reload("failed")
        answer, after = await it.get(), await it.node.state()

        assert answer.value("RateLimit-Policy") == b'"client";q=5;w=60'
        assert left(answer) == ["4"]
        assert after.policy_digest == before.policy_digest
        assert after.last.reloads.failed == 1
        assert problem in after.last.reloads.problem
        assert await it.metric("gateway_reload_failed") == 1
        await eventually(it.log, lambda log: f"ERROR   reload: nothing has changed: {problem}" in log)

        it.write(clients=acme('limit = "6/m"'), routes="")
        await it.reload()
        assert (await it.get()).value("RateLimit-Policy") == b'"client";q=6;w=60'
        assert await it.metric("gateway_reload_failed") == 0


async def test_a_missing_file_changes_nothing(upstream: Upstream, redis_url: str, tmp_path: Path) -> None:
    async with reloading(tmp_path, upstream, redis_url, clients=acme('limit = "5/m"')) as it:
        (tmp_path / "clients.toml").unlink()
        await it.reload("failed")

        assert (await it.get()).status == 200
        assert (
            "GATEWAY_CLIENTS_FILE=clients.toml: No such file" in (await it.node.state()).last.reloads.problem
        )


async def test_a_raised_limit_holds_at_once_and_what_was_counted_stays(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    async with reloading(tmp_path, upstream, redis_url, clients=acme('limit = "1/h"')) as it:
        refused = [(await it.get()).status for _ in range(4)]
        it.write(clients=acme('limit = "3/h"'))
        await it.reload()

        assert refused == [200, 429, 429, 429]
        assert [(await it.get()).status for _ in range(3)] == [200, 200, 429]


async def test_another_period_opens_an_empty_window(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    async with reloading(tmp_path, upstream, redis_url, clients=acme('limit = "1/h"')) as it:
        before = [(await it.get()).status for _ in range(2)]
        it.write(clients=acme('limit = "1/2h"'))
        await it.reload()

        assert before + [(await it.get()).status for _ in range(2)] == [200, 429, 200, 429]


async def test_a_client_that_is_taken_out_is_known_no_more(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    async with reloading(tmp_path, upstream, redis_url, clients=acme()) as it:
        async with await it.node.connect() as client:
            kept = [(await client.get()).status]
            it.write(clients=acme().replace("key-1", "key-2"))
            await it.reload()
            kept += [(await client.get()).status, (await client.get(key=b"key-2")).status]

        assert kept == [200, 401, 200]


async def test_live_overrides_go_on(
    upstream: Upstream, redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    override = encode(Override(parse_limits("2/m"), "ana", 0.0))
    await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + "acme", override)
    async with reloading(tmp_path, upstream, redis_url, clients=acme('limit = "5/m"')) as it:
        it.write(clients=acme('limit = "7/m"'))
        await it.reload()

        assert (await it.get()).value("RateLimit-Policy") == b'"override";q=2;w=60'


@pytest.mark.parametrize("later", ["concurrency = 1", "concurrency = 2", 'limit = "9/m"', None])
async def test_a_request_in_flight_ends_as_it_began_and_gives_its_place_back(
    upstream: Upstream, redis_url: str, tmp_path: Path, later: str | None
) -> None:
    """Also where its client has other terms by then, or is there no more."""
    release = asyncio.Event()

    async def script(peer: Peer) -> None:
        while True:
            await upstream.take(peer)
            await release.wait()
            await peer.send(OK)

    upstream.script = script
    one = acme("concurrency = 1")
    async with (
        reloading(tmp_path, upstream, redis_url, clients=one) as it,
        await it.node.connect() as client,
    ):
        await client.send(request())
        await eventually(lambda: it.metric("gateway_in_flight"), lambda value: value == 1)
        it.write(clients="" if later is None else acme(later))
        await it.reload()
        release.set()
        answer = await client.answer()
        it.write(clients=one)
        await it.reload()

        assert (answer.status, left(answer)) == (200, ["99", "0"])
        assert left(await it.get()) == ["98", "0"]


async def test_a_reload_while_the_node_stops_does_no_harm(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    async with reloading(tmp_path, upstream, redis_url, clients=acme()) as it:
        it.node.process.send_signal(signal.SIGHUP)
        it.node.process.send_signal(signal.SIGTERM)
        it.node.process.send_signal(signal.SIGHUP)
        assert await it.node.ends() == 0


async def test_under_load_no_request_fails_and_none_sees_a_mixture(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    def files(version: str, plan: int, route: int) -> dict[str, str]:
        return {
            "clients": f'[plans]\n{version} = "{plan}/m"\n' + acme(f'plan = "{version}"'),
            "routes": f'[[routes]]\nname = "{version}"\npath = "/"\nlimit = "{route}/m"\n',
        }

    versions = [files("even", 1_000_000, 2_000_000), files("odd", 3_000_000, 4_000_000)]
    policies = {
        b'"even";q=1000000;w=60, "route/even";q=2000000;w=60',
        b'"odd";q=3000000;w=60, "route/odd";q=4000000;w=60',
    }
    seen: list[tuple[int, bytes | None]] = []
    enough = asyncio.Event()

    async def load(client: Client) -> None:
        while not enough.is_set():
            answer = await client.get(b"/x")
            seen.append((answer.status, answer.value("RateLimit-Policy")))

    async with reloading(tmp_path, upstream, redis_url, **versions[0]) as it:
        clients = [await it.node.connect() for _ in range(8)]
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(load(client))
            for number in range(20):
                it.write(**versions[(number + 1) % 2])
                await it.reload()
            enough.set()
        for client in clients:
            async with client:
                pass

    assert {status for status, _ in seen} == {200}
    assert {told for _, told in seen} == policies
