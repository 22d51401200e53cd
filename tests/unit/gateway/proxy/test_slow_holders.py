"""Which request gives way where an upstream is full."""

import asyncio

import pytest

from gateway.proxy import slow_holders
from gateway.proxy.slow_holders import SlowHolders

RATE = 1000.0
WINDOW_SECONDS = 0.2


class Request:
    """A request of a client at an address; `progress` None is one that waits for its upstream."""

    def __init__(self, client: str, address: str, bytes_a_second: float | None) -> None:
        self.client_id = client
        self.has_given_way = False
        self._address = address
        self._bytes_a_second = bytes_a_second
        self._began = asyncio.get_running_loop().time()

    @property
    def client_address(self) -> str:
        return self._address

    def client_progress(self) -> int | None:
        if self._bytes_a_second is None:
            return None
        return int(self._bytes_a_second * (asyncio.get_running_loop().time() - self._began))

    def evict(self) -> None:
        self.has_given_way = True


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_holders, "WINDOW_SECONDS", WINDOW_SECONDS)
    monkeypatch.setattr(slow_holders, "SAMPLE_SECONDS", WINDOW_SECONDS / 5)


async def made_room(holders: list[Request], newcomer: Request, rate: float = RATE) -> list[Request]:
    """Which of the holders have given way to the newcomer, when all have been there for long enough."""
    slow = SlowHolders(len(holders), rate)
    for holder in holders:
        slow.add(holder)
    assert not slow.evict_for(newcomer)
    await asyncio.sleep(2 * WINDOW_SECONDS)
    made = slow.evict_for(newcomer)
    slow.stop()
    gone = [holder for holder in holders if holder.has_given_way]
    assert made == bool(gone)
    return gone


async def test_slowest_request_of_a_client_that_holds_more_gives_way() -> None:
    slower, slow = Request("acme", "192.0.2.1", 10.0), Request("acme", "192.0.2.2", 100.0)

    assert await made_room([slow, slower], Request("beta", "192.0.2.3", 0.0)) == [slower]


async def test_slow_request_of_an_address_that_holds_more_gives_way() -> None:
    holders = [Request("", "192.0.2.1", 10.0), Request("", "192.0.2.1", None)]

    assert await made_room(holders, Request("", "192.0.2.3", 0.0)) == holders[:1]


async def test_request_at_the_rate_never_gives_way() -> None:
    holders = [Request("acme", "192.0.2.1", 2 * RATE) for _ in range(3)]

    assert await made_room(holders, Request("beta", "192.0.2.3", 0.0)) == []


async def test_request_that_waits_for_its_upstream_does_not_give_way() -> None:
    holders = [Request("acme", "192.0.2.1", None) for _ in range(3)]

    assert await made_room(holders, Request("beta", "192.0.2.3", 0.0)) == []


async def test_client_that_holds_no_more_than_the_newcomer_keeps_its_places() -> None:
    holders = [Request("acme", "192.0.2.1", 0.0), Request("beta", "192.0.2.2", 0.0)]

    assert await made_room(holders, Request("acme", "192.0.2.1", 0.0)) == []
    assert await made_room(holders, Request("beta", "192.0.2.2", 0.0)) == []


async def test_no_request_gives_way_at_a_rate_of_zero() -> None:
    holders = [Request("acme", "192.0.2.1", 0.0) for _ in range(3)]

    assert await made_room(holders, Request("beta", "192.0.2.3", 0.0), rate=0.0) == []
