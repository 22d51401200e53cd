"""Tasks that end with the node, whatever they are at."""

import asyncio

import pytest

from gateway.background import background


async def for_ever() -> None:
    await asyncio.Event().wait()


async def test_all_end_with_the_context() -> None:
    async with background(for_ever) as start:
        start(for_ever)
        running = asyncio.all_tasks() - {asyncio.current_task()}

    assert [task.cancelled() for task in running] == [True, True]


async def test_a_task_that_loses_a_cancellation_ends_all_the_same() -> None:
    lost = 0

    async def deaf() -> None:
        nonlocal lost
        while lost < 2:
            try:
                await for_ever()
            except asyncio.CancelledError:
                lost += 1
        await for_ever()

    async with asyncio.timeout(5), background(deaf):
        await asyncio.sleep(0)

    assert lost == 2


async def test_one_that_dies_ends_the_others_and_the_context() -> None:
    async def dies() -> None:
        raise ValueError("dead")

    with pytest.raises(ExceptionGroup, match="unhandled errors"):
        async with background(dies, for_ever):
            await for_ever()
