import asyncio

import pytest

from gateway.proxy.deadline_queue import DeadlineQueue

PATIENCE_SECONDS = 20.0


class Late:
    """Keeps who is late."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[str] = asyncio.Queue()

    async def next(self) -> str:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.told.get()


class Asker:
    def __init__(self, name: str, late: Late) -> None:
        self._name = name
        self._late = late

    def on_timeout(self) -> None:
        self._late.told.put_nowait(self._name)

    def fail(self, error: BaseException) -> None:
        raise error


@pytest.fixture
def deadlines() -> DeadlineQueue:
    return DeadlineQueue(0.01)


async def test_who_waits_is_told_in_turn_and_who_does_not_is_not(deadlines: DeadlineQueue) -> None:
    late = Late()
    first, second, third = (Asker(name, late) for name in ("first", "second", "third"))
    for asker in (first, second, third):
        deadlines.start(asker)
    deadlines.cancel(second)
    assert [await late.next() for _ in range(2)] == ["first", "third"]


async def test_who_begins_anew_is_the_last(deadlines: DeadlineQueue) -> None:
    late = Late()
    first, second = Asker("first", late), Asker("second", late)
    for asker in (first, second, first):
        deadlines.start(asker)
    assert [await late.next() for _ in range(2)] == ["second", "first"]


async def test_it_goes_on_after_nobody_has_waited(deadlines: DeadlineQueue) -> None:
    late = Late()
    for name in ("one", "another"):
        deadlines.start(Asker(name, late))
        assert await late.next() == name


async def test_who_is_late_may_ask_again(deadlines: DeadlineQueue) -> None:
    late = Late()

    class Stubborn(Asker):
        def on_timeout(self) -> None:
            super().on_timeout()
            deadlines.start(self)

    deadlines.start(Stubborn("again", late))
    assert [await late.next() for _ in range(3)] == ["again"] * 3


async def test_who_has_less_time_is_told_sooner_unless_it_does_not_wait_any_more() -> None:
    deadlines, late = DeadlineQueue(PATIENCE_SECONDS), Late()
    first, second, third = (Asker(name, late) for name in ("first", "second", "third"))
    for asker in (first, second, third):
        deadlines.start(asker, 0.01)
    deadlines.cancel(first)
    deadlines.start(second)
    assert await late.next() == "third"
    assert late.told.empty()
