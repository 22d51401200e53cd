"""Nodes, their upstreams and their clients in one process, on the event loop that the product uses."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest
import uvloop

from gateway.log_lines import JsonLines
from tests.integration.gateway.node import Node, running_node
from tests.integration.gateway.upstream import Upstream


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that `gateway.cli` starts."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def start_node(
    upstream: Upstream, redis_url: str, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Callable[..., Any]]:
    """Starts nodes in front of `upstream`: await it with the settings that differ from the usual ones.

    Whatever a test does to a node, it must not make it log an error, or lose a task's failure.
    """
    loop = asyncio.get_running_loop()
    lost: list[Mapping[str, Any]] = []
    loop.set_exception_handler(lambda _, context: lost.append(context))
    async with AsyncExitStack() as nodes:

        async def start(**settings: Any) -> Node:
            usual = {"upstream_url": upstream.url, "redis_url": redis_url}
            return await nodes.enter_async_context(running_node(**(usual | settings)))

        yield start
    assert lost == []
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.fixture
async def node(start_node: Callable[..., Any]) -> Node:
    """A node with the usual settings."""
    started: Node = await start_node()
    return started


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What has been logged, as the lines of JSON that a node writes."""
    formatter = caplog.handler.formatter
    caplog.handler.setFormatter(JsonLines("node-1"))
    yield lambda: [json.loads(line) for line in caplog.text.splitlines()]
    caplog.handler.setFormatter(formatter)
