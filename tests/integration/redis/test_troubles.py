"""A Redis that answers with errors, or lets nobody in: at a node's start, and later."""

from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from tests.integration.gateway.node import eventually
from tests.integration.gateway.processes import NodeProcess, node_process
from tests.integration.gateway.upstream import Upstream
from tests.integration.redis.troubles import TROUBLES, Trouble, troubled_server
from tests.integration.redis.watched import LIMIT, QUOTA, answers, decides_by_redis, fresh_key, store
from tests.integration.subject.publishing import subject

BY_POLICY = Counter({200: QUOTA, 429: 3})


async def diagnosed(node: NodeProcess, url: str) -> str:
    """What the subject says, which can ask the node."""
    asked = {"SUBJECT_NODES": f"127.0.0.1:{node.admin_port}"}
    return (await subject("diagnose", redis_url=url, settings=asked)).out


@pytest.mark.usefixtures("server_program")
@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
async def test_a_node_serves_by_policy_tells_why_and_is_back_within_a_second(
    trouble: Trouble, upstream: Upstream, tmp_path: Path
) -> None:
    async with troubled_server(trouble) as operator:
        url = trouble.url.format(port=operator.server.port)
        settings = {"REDIS_URL": url, "GATEWAY_UPSTREAM_URL": upstream.url, "GATEWAY_DEFAULT_LIMIT": LIMIT}
        await trouble.begin(operator)
        async with node_process(tmp_path, **settings) as node:
            assert await answers(node, QUOTA + 3, fresh_key()) == BY_POLICY
            seen = await eventually(partial(diagnosed, node, url), lambda told: "store_down" in told)
            await trouble.end(operator)
            await decides_by_redis(node)
            assert await answers(node, QUOTA + 3, fresh_key()) == BY_POLICY

            await trouble.begin(operator)
            assert await answers(node, QUOTA + 3, fresh_key()) == BY_POLICY
            await eventually(partial(store, node), lambda seen: trouble.told in seen.trouble)
            await trouble.end(operator)
            await decides_by_redis(node)
            assert await answers(node, QUOTA + 3, fresh_key()) == BY_POLICY
            log = node.log.read_text()

    assert trouble.told in log, log
    assert "Traceback" not in log
    assert "hunter2" not in log
    assert log.count(f"Redis, for counting: {trouble.told}") <= 2, log
    assert log.count("Redis, for counting: ") <= 3, log
    assert trouble.told in seen
