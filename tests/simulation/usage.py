"""What a Redis has done and taken, as it says itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis


@dataclass(frozen=True)
class Usage:
    """Its own counts at one moment, or between two."""

    cpu_seconds: float
    commands: int
    bytes_in: int
    bytes_out: int
    memory: int

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(
            self.cpu_seconds - other.cpu_seconds,
            self.commands - other.commands,
            self.bytes_in - other.bytes_in,
            self.bytes_out - other.bytes_out,
            self.memory - other.memory,
        )


async def usage(redis: Redis) -> Usage:
    """As INFO tells it."""
    return told(await redis.info())


def told(info: Mapping[str, Any]) -> Usage:
    """As INFO tells it."""
    return Usage(
        float(info["used_cpu_user"]) + float(info["used_cpu_sys"]),
        int(info["total_commands_processed"]),
        int(info["total_net_input_bytes"]),
        int(info["total_net_output_bytes"]),
        int(info["used_memory"]),
    )
