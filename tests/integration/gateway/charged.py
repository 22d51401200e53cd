"""What clients are answered under limits, and what stands in Redis of them then."""

import json
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.client_id import DEFAULT_SECRET, unknown_client_id
from tests.integration.gateway.client import Answer
from tests.integration.gateway.node import Node, eventually

CLIENT = unknown_client_id("key-1", DEFAULT_SECRET)


async def send(node: Node, *targets: bytes, **options: Any) -> list[Answer]:
    """The answers to requests for these targets, one after the other on one connection."""
    async with await node.connect() as client:
        return [await client.get(target, **options) for target in targets]


def statuses(answers: list[Answer]) -> list[int]:
    return [answer.status for answer in answers]


def violated(answer: Answer) -> list[str]:
    names: list[str] = json.loads(answer.body)["violated-policies"]
    return names


async def counted(redis: Redis, client: str, scope: str, period_seconds: int) -> int:
    """The units that stand in a window, as soon as those that were refused are given back."""

    async def read() -> list[int]:
        key = keys.window(client, scope, period_seconds, 0)
        both = []
        for _ in range(2):
            both.append(sum(map(int, (await redis.hgetall(key)).values())))
        return both

    return (await eventually(read, lambda both: both[0] == both[1]))[0]


async def settles_at(redis: Redis, client: str, windows: dict[tuple[str, int], int]) -> None:
    """Wait until these windows hold so many units; refunds come some milliseconds later."""

    async def read() -> dict[tuple[str, int], int]:
        return {window: await counted(redis, client, *window) for window in windows}

    await eventually(read, lambda found: found == windows)


def written(folder: Path, text: str) -> Path:
    path = folder / "policies.toml"
    path.write_text(text)
    return path
