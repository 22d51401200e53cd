"""Asking nodes themselves, at /state of their admin listeners."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gateway.contract.codec import decode
from gateway.contract.roster import RosterEntry
from subject.finding import LATEST

if TYPE_CHECKING:
    from aiohttp import ClientSession

LONGEST_BYTES = 1_000_000


async def ask(addresses: Iterable[str], timeout_seconds: float) -> dict[str, RosterEntry]:
    """The entries of the nodes that answer in time, and with a time that a clock has, by admin address."""
    wanted = sorted(set(addresses))
    if not wanted:
        return {}
    from aiohttp import ClientSession, ClientTimeout  # takes a while to import, and is rarely needed

    async with ClientSession(timeout=ClientTimeout(total=timeout_seconds)) as session:
        answers = await asyncio.gather(*(_ask_one(session, address) for address in wanted))
    return {address: entry for address, entry in zip(wanted, answers, strict=True) if entry is not None}


async def _ask_one(session: "ClientSession", address: str) -> RosterEntry | None:
    from aiohttp import ClientError

    try:
        async with session.get(f"http://{address}/state", allow_redirects=False) as answer:
            body = b""
            while answer.status == 200 and not answer.content.at_eof() and len(body) < LONGEST_BYTES:
                body += await answer.content.read(LONGEST_BYTES - len(body))
        entry = decode(RosterEntry, body)
    except (ClientError, OSError, ValueError):
        return None
    return entry if 0 <= entry.last.at <= LATEST else None
