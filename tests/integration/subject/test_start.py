import asyncio
import os
import sys

import pytest

HEAVY = {"aiohttp", "pydantic", "redis", "rich"}
PROGRAM = f"""
import sys
from subject.cli import run
try:
    run(sys.argv[1:])
finally:
    print("imported:", *sorted({HEAVY} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("arguments", "imported"),
    [
        (["--version"], []),
        (["limits", "--help"], []),
        (["frobnicate"], []),
        (["whois"], ["pydantic"]),
        (["status", "--json"], ["pydantic", "redis"]),
        (["status"], ["pydantic", "redis", "rich"]),
    ],
    ids=" ".join,
)
async def test_a_command_imports_what_it_needs(arguments: list[str], imported: list[str]) -> None:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("SUBJECT_", "GATEWAY_"))
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=inherited | {"REDIS_URL": "unix:///nowhere"},
    )
    out, _ = await asyncio.wait_for(process.communicate(), 30)

    assert out.decode().splitlines()[-1].split()[1:] == imported
