"""An address that guesses keys is limited, and clients behind the same address go on."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.integration.gateway.node import Node

StartNode = Callable[..., Awaitable[Node]]
WRONG = [b"wrong-%d" % number for number in range(5)]


@pytest.fixture
def clients_file(tmp_path: Path) -> Path:
    path = tmp_path / "clients.toml"
    names = ("acme", "beta")
    path.write_text("".join(f'[[clients]]\nname = "{name}"\nkey = "{name}-key"\n' for name in names))
    return path


@pytest.mark.parametrize("more", [{}, {"exempt": "/health"}], ids=["key alone decides", "with exempt paths"])
async def test_guesses_of_an_address_are_limited_and_known_keys_go_on(
    start_node: StartNode, clients_file: Path, more: dict[str, str]
) -> None:
    node = await start_node(clients_file=clients_file, unauthenticated_limit="3/h", **more)
    async with await node.connect() as client:
        assert (await client.get(key=b"acme-key")).status == 200
        assert [(await client.get(key=key)).status for key in WRONG] == [401, 401, 401, 429, 429]
        right_guess, wrong_guess = await client.get(key=b"beta-key"), await client.get(key=b"wrong")
        assert (await client.get(key=b"acme-key")).status == 200
        assert (await client.get(key=None)).status == 401

    assert (right_guess.status, right_guess.body) == (wrong_guess.status, wrong_guess.body)
    assert right_guess.status == 429
    assert int(right_guess.value("Retry-After") or 0) >= 1
    assert right_guess.value("RateLimit-Policy") is None
    totals = (await node.settled()).boot
    assert (totals.admitted, totals.refused, totals.unidentified) == (2, 0, 8)
    assert "gateway_wrong_keys_limited_total 4\n" in (await node.admin("/metrics"))[1]


async def test_requests_without_a_key_and_exempt_ones_do_not_count(
    start_node: StartNode, clients_file: Path
) -> None:
    node = await start_node(clients_file=clients_file, unauthenticated_limit="1/h", exempt="/health")
    async with await node.connect() as client:
        assert [(await client.get(key=None)).status for _ in range(3)] == [401] * 3
        assert [(await client.get(b"/health", key=b"wrong")).status for _ in range(3)] == [200] * 3
        assert (await client.get(key=b"acme-key")).status == 200


@pytest.mark.parametrize("more", [{"unauthenticated_limit": "off"}, {"clients_file": None}])
async def test_unknown_keys_are_not_limited(
    start_node: StartNode, clients_file: Path, more: dict[str, str | None]
) -> None:
    """Neither where the limit is off nor where unknown keys are clients of their own."""
    node = await start_node(**{"clients_file": clients_file, "unauthenticated_limit": "1/h"} | more)
    async with await node.connect() as client:
        assert len({(await client.get(key=key)).status for key in WRONG}) == 1
