"""What scenarios are played on: a Redis, each node's way to it, the cluster, and a load that flows."""

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from loadtest import cluster, delay_proxy, faults, generator, redis_server, scenarios
from loadtest.child import StartError
from loadtest.cluster import Cluster
from loadtest.delay_proxy import DelayProxy
from loadtest.faults import Site
from loadtest.generator import Generator
from loadtest.polling import until
from loadtest.scenarios import Setting
from loadtest.scenarios.fault import Fault

FIRST_ARRIVAL_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Stage:
    """All that runs."""

    site: Site
    load: Generator

    @property
    def cluster(self) -> Cluster:
        """The nodes, their upstream and its log."""
        return self.site.cluster

    def inject(self, fault: Fault) -> AbstractAsyncContextManager[None]:
        """Put it on the cluster, while the context lasts."""
        return faults.injected(fault, self.site)

    @property
    def subject_environment(self) -> dict[str, str]:
        """In which the subject finds Redis and the nodes."""
        nodes = ",".join(node.admin_url.removeprefix("http://") for node in self.cluster.nodes)
        return {**self.cluster.environment, "REDIS_URL": self.cluster.redis_url, "SUBJECT_NODES": nodes}


@asynccontextmanager
async def standing(setting: Setting, seed: int, web_port: int | None = None) -> AsyncIterator[Stage]:
    """The stage while the context lasts, with the first requests arrived. Its Redis is always its own.

    Raises:
        StartError: a part of it did not start, or no request arrived in time.
    """
    async with AsyncExitStack() as stack:
        servers = await stack.enter_async_context(AsyncExitStack())
        server = await servers.enter_async_context(redis_server.running_beside())
        proxies = {
            node_id: await stack.enter_async_context(delay_proxy.running("127.0.0.1", server.port))
            for node_id in setting.node_ids
        }
        plan = _plan(setting, server.url, proxies)
        if setting.plans:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ratelimiter-")))
            plan = replace(plan, node_environment={**plan.node_environment, **_registered(setting, folder)})
        running = await stack.enter_async_context(cluster.running(plan))
        load = await stack.enter_async_context(
            generator.running(
                [(node.id, node.url) for node in running.nodes],
                scenarios.first_load(setting),
                seed=seed,
                environment=running.environment,
                folder=running.folder,
                web_port=web_port,
            )
        )
        await _first_arrival(running, load)
        yield Stage(Site(running, server, proxies, servers), load)


def _plan(setting: Setting, redis_url: str, proxies: Mapping[str, DelayProxy]) -> cluster.Plan:
    return cluster.Plan(
        nodes=len(setting.node_ids),
        redis_url=redis_url,
        environments_by_node={
            node_id: {"REDIS_URL": f"redis://127.0.0.1:{proxy.port}/0"} for node_id, proxy in proxies.items()
        },
        node_environment={
            "GATEWAY_DEFAULT_LIMIT": str(setting.limit),
            "GATEWAY_STORE_DEADLINE": str(setting.store_deadline_seconds),
        },
    )


def _registered(setting: Setting, folder: Path) -> dict[str, str]:
    """The settings by which nodes know the clients and their plans."""
    lines = ["[plans]", *(f'{name} = "{limit}"' for name, limit in setting.plans.items())]
    for client in setting.clients:
        lines += ["[[clients]]", f'name = "{client.id}"', f'plan = "{client.plan}"', f'key = "{client.key}"']
    file = folder / "clients.toml"
    file.touch(mode=0o600)
    file.write_text("\n".join(lines) + "\n")
    return {"GATEWAY_CLIENTS_FILE": str(file)}


async def _first_arrival(running: Cluster, load: Generator) -> None:
    """Wait until the load flows."""

    def has_arrived() -> bool:
        load.check()
        return running.upstream_log.stat().st_size > 0

    if not await until(has_arrived, FIRST_ARRIVAL_SECONDS):
        raise StartError(f"no request arrived within {FIRST_ARRIVAL_SECONDS:g} s: {load.child.last_words()}")
