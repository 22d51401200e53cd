import asyncio

from gateway.request_context import RequestContext


def test_a_request_is_in_hand_within_its_context() -> None:
    with RequestContext("a") as outer:
        assert RequestContext.current() is outer
        with RequestContext("b") as inner:
            assert RequestContext.current() is inner
        assert RequestContext.current() is outer

    assert RequestContext.current() is None


async def test_requests_in_hand_at_once_do_not_see_each_other() -> None:
    async def serve(request_id: str) -> str:
        with RequestContext(request_id):
            await asyncio.sleep(0)
            context = RequestContext.current()
            assert context is not None
            return context.request_id

    assert tuple(await asyncio.gather(serve("a"), serve("b"))) == ("a", "b")


async def test_what_outlives_a_request_is_not_taken_for_its_own() -> None:
    is_over = asyncio.Event()

    async def connection() -> RequestContext | None:
        await is_over.wait()
        return RequestContext.current()

    with RequestContext("a"):
        task = asyncio.create_task(connection())
    is_over.set()

    assert await task is None
