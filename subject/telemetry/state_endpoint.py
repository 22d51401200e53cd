"""Asking nodes themselves, at their admin listeners: how they are, and what became of a request."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from gateway.contract.records import Refusal, RosterEntry, decode
from subject.figures import LATEST
from subject.settings import is_address

if TYPE_CHECKING:
    from aiohttp import ClientSession

LONGEST_BYTES = 1_000_000
Record = TypeVar("Record")
Read = Callable[[RosterEntry, float], RosterEntry]
"""What is made of an answer that came after so many seconds."""


def as_it_is(entry: RosterEntry, waited_seconds: float) -> RosterEntry:
    """Nothing else."""
    del waited_seconds
    return entry


async def ask(
    addresses: Iterable[str], timeout_seconds: float, read: Read = as_it_is
) -> dict[str, RosterEntry]:
    """The entries of the nodes that answer in time, and with a time that a clock has, by admin address."""
    wanted = _addresses(addresses)
    if not wanted:
        return {}
    from aiohttp import ClientSession, ClientTimeout  # takes a while to import, and is rarely needed

    async with ClientSession(timeout=ClientTimeout(total=timeout_seconds)) as session:
        answers = await asyncio.gather(*(_ask_one(session, address, read) for address in wanted))
    return {address: entry for address, entry in zip(wanted, answers, strict=True) if entry is not None}


async def ask_for_refusal(
    addresses: Iterable[str], request_id: str, timeout_seconds: float
) -> Refusal | None:
    """What a node remembers of a request that it refused; None where none of them does."""
    from aiohttp import ClientSession, ClientTimeout

    async with ClientSession(timeout=ClientTimeout(total=timeout_seconds)) as session:
        path = f"/refusals/{quote(request_id)}"
        wanted = _addresses(addresses)
        answers = await asyncio.gather(*(_get(session, address, path, Refusal) for address in wanted))
    return next((refusal for refusal in answers if refusal is not None), None)


def _addresses(given: Iterable[str]) -> list[str]:
    """Those that are some: what a roster has may be anything, and is to lead to no other path."""
    return sorted(filter(is_address, set(given)))


async def _ask_one(session: "ClientSession", address: str, read: Read) -> RosterEntry | None:
    asked = time.monotonic()
    entry = await _get(session, address, "/state", RosterEntry)
    if entry is None or not 0 <= entry.last.at <= LATEST:
        return None
    return read(entry, time.monotonic() - asked)


async def _get(session: "ClientSession", address: str, path: str, kind: type[Record]) -> Record | None:
    from aiohttp import ClientError

    try:
        async with session.get(f"http://{address}{path}", allow_redirects=False) as answer:
            body = b""
            while answer.status == 200 and not answer.content.at_eof() and len(body) < LONGEST_BYTES:
                body += await answer.content.read(LONGEST_BYTES - len(body))
        return decode(kind, body)
    except (ClientError, OSError, ValueError):
        return None
