"""From a signal to an orderly end, in this process."""

import asyncio
import os
import signal

import pytest

from loadtest.interrupt import Interrupted, uninterrupted, until_signal


async def test_work_that_nothing_interrupts_returns_its_value() -> None:
    async def work() -> int:
        return 3

    assert await until_signal(work()) == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_cancels_and_further_ones_do_not_disturb_the_cleaning_up(number: int) -> None:
    cleaned: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.05)
            cleaned.append("up")

    with pytest.raises(Interrupted) as interrupted:
        await until_signal(work())
    assert interrupted.value.number == number
    assert cleaned == ["up"]


async def test_an_error_of_the_work_is_the_callers() -> None:
    async def work() -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await until_signal(work())


async def test_what_must_not_be_interrupted_ends_before_the_cancellation_goes_on() -> None:
    steps: list[str] = []

    async def stop() -> None:
        await asyncio.sleep(0.05)
        steps.append("stopped")

    async def work() -> None:
        await uninterrupted(stop())
        steps.append("never")

    task = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == ["stopped"]
