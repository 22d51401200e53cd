import asyncio

import pytest

from gateway.proxy.upstream_pool import Places

LONG_SECONDS = 60.0


async def waiting(places: Places, count: int) -> list[asyncio.Task[None]]:
    """So many who acquire in line."""
    tasks = [asyncio.create_task(places.acquire(LONG_SECONDS)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_there_are_so_many_and_no_more() -> None:
    places = Places(2)
    assert [places.try_acquire() for _ in range(3)] == [True, True, False]
    places.release()
    assert [places.try_acquire() for _ in range(2)] == [True, False]


async def test_who_waits_longest_is_first_and_nobody_comes_before() -> None:
    places = Places(1)
    assert places.try_acquire()
    first, second = await waiting(places, 2)
    places.release()
    assert not places.try_acquire()
    await turns()
    assert (first.done(), second.done()) == (True, False)
    places.release()
    await second


async def test_who_finds_a_place_does_not_wait() -> None:
    await Places(1).acquire(0.0)


async def test_who_waits_too_long_leaves_the_line() -> None:
    places = Places(1)
    assert places.try_acquire()
    with pytest.raises(TimeoutError):
        await places.acquire(0.0)
    places.release()
    assert places.try_acquire()


@pytest.mark.parametrize("given_first", [True, False])
async def test_a_place_is_not_lost_with_who_gave_up(given_first: bool) -> None:
    """Though it was given in the same turn."""
    places = Places(1)
    assert places.try_acquire()
    first, second = await waiting(places, 2)
    if given_first:
        places.release()
        first.cancel()
    else:
        first.cancel()
        places.release()
    await turns()
    assert first.cancelled()
    assert second.done()
    places.release()
    assert places.try_acquire()
