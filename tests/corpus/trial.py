"""A case before a node: its bytes are sent, and what comes back is held against the verdict."""

import json
from collections.abc import Awaitable, Callable

from tests.corpus.case import Case, End
from tests.integration.gateway.client import Answer, Client


async def try_on(case: Case, port: int, between: Callable[[], Awaitable[object]] | None = None) -> list[str]:
    """Send a case over a connection of its own; what is wrong with the answers.

    With `between` the first head goes alone, and what follows it when that has been awaited. Returns when the
    node has answered all and, where it is to, has closed the connection.
    """
    async with await Client.connect(port) as client:
        head, end, rest = case.sent.partition(b"\r\n\r\n")
        if between is not None:
            await client.send(head + end)
            await between()
        await client.send(case.sent if between is None else rest)
        wrong: list[str] = []
        last = None
        if case.end is End.ANSWERED:
            first = await client.answer()
            if first.status != case.status or first.closes:
                wrong.append(f"answered {first.status} by the node itself, not {case.status}")
        for request in case.forwarded:
            last = await client.answer(head_only=request.method == b"HEAD", may_continue=True)
            if last.status != 200:
                wrong.append(f"{request.method.decode()} answered {last.status}")
        if case.end is End.UNFINISHED:
            client.writer.write_eof()
        if case.end in (End.REFUSED, End.BROKEN):
            wrong += _wrong_with(await client.answer(), case.status)
        stays = case.end in (End.SERVED, End.ANSWERED)
        if not stays or (last is not None and last.closes):
            more = await client.rest()
            wrong += [f"{len(more)} bytes more, {more[:80]!r}"] if more else []
        return wrong


def _wrong_with(answer: Answer, status: int | None) -> list[str]:
    """A refusal is told as RFC 9457 has it, and is the last that is said."""
    if answer.status != status:
        return [f"refused with {answer.status}, not {status}: {answer.body!r}"]
    wrong = [] if answer.closes else ["no Connection: close"]
    if (
        answer.value("Content-Type") != b"application/problem+json"
        or json.loads(answer.body)["status"] != status
    ):
        wrong.append("no problem+json")
    return wrong
