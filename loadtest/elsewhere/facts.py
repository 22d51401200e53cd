"""What is true of the cluster, as its Redis tells: nodes, clients, limits, and who else sends."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.contract.limits import Limits, parse_limits
from gateway.contract.telemetry import Totals
from loadtest.child import StartError
from loadtest.elsewhere.target import TargetError
from loadtest.scenarios import Client
from loadtest.subject_commands import Report, Subject, SubjectError, parse

QUIET_SECONDS = 4.0
"""Nodes publish each second; so long are they watched to see whether anybody else is there."""

LOOKS = 4
UP = "Up"


@dataclass(frozen=True, slots=True)
class NodePlace:
    """A node that Redis knows."""

    id: str
    address: str | None = None
    state: str = ""
    totals: Totals | None = None


@dataclass(frozen=True, slots=True)
class _Nodes:
    redis_connected: bool
    nodes: tuple[NodePlace, ...]


@dataclass(frozen=True, slots=True)
class _ClientLimit:
    client: str
    limit: str | None = None


@dataclass(frozen=True, slots=True)
class _LimitsDocument:
    default: str | None
    address_limit: str | None = None
    limits: tuple[_ClientLimit, ...] = ()


@dataclass(frozen=True, slots=True)
class _Named:
    client: str


@dataclass(frozen=True, slots=True)
class _Busy:
    id: str


@dataclass(frozen=True, slots=True)
class _Top:
    clients: tuple[_Busy, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Before the run: `totals` by node, `others_per_second` requests of other clients, and the identities of
    findings that are there already."""

    nodes: tuple[NodePlace, ...]
    default: Limits
    limits: dict[str, Limits]
    address_limit: str | None
    totals: dict[str, Totals]
    others_per_second: float
    known_findings: frozenset[tuple[str, str, str]]

    @property
    def up(self) -> list[NodePlace]:
        """Nodes that serve."""
        return [node for node in self.nodes if node.state == UP]

    def of_client(self, client_id: str) -> Limits:
        """Its limit."""
        return self.limits.get(client_id, self.default)


async def gathered(subject: Subject) -> Facts:
    """Look for some seconds.

    Raises:
        StartError: Redis does not answer, or knows no node.
        SubjectError: the subject does not answer as it should.
    """
    first_at, first = time.monotonic(), await nodes(subject)
    document = await subject.ask(_LimitsDocument, "limits")
    found = await subject.ask(Report, "diagnose")
    await asyncio.sleep(max(0.0, first_at + QUIET_SECONDS - time.monotonic()))
    second_at, second = time.monotonic(), await nodes(subject)
    if document.default is None:
        raise StartError("the nodes' policies cannot be read in Redis")
    more = requests_of(totals_of(second)) - requests_of(totals_of(first))
    return Facts(
        second,
        parse_limits(document.default),
        {one.client: parse_limits(one.limit) for one in document.limits if one.limit is not None},
        document.address_limit,
        totals_of(second),
        more / (second_at - first_at),
        frozenset(finding.identity for finding in found.findings),
    )


async def nodes(subject: Subject) -> tuple[NodePlace, ...]:
    """All that Redis knows.

    Raises:
        StartError: it does not answer, or knows none that is up.
        SubjectError: the subject does not answer as it should.
    """
    seen = await subject.ask(_Nodes, "nodes")
    if not seen.redis_connected:
        raise StartError("Redis does not answer: give what the nodes count in as --redis, or in REDIS_URL")
    if not any(node.state == UP for node in seen.nodes):
        raise StartError("this Redis knows no node that is up: is it the one that the nodes count in?")
    return seen.nodes


def totals_of(places: Sequence[NodePlace]) -> dict[str, Totals]:
    """By node; of none that cannot be read."""
    return {node.id: node.totals for node in places if node.totals is not None}


def requests_of(totals: dict[str, Totals]) -> int:
    """All together."""
    return sum(one.requests for one in totals.values())


async def check_names(subject: Subject, clients: Sequence[Client]) -> None:
    """Whether nodes know those that have sent by the ids that we know them by; only where nobody else sends.

    Raises:
        TargetError: they do not.
        SubjectError: the subject does not answer as it should.
    """
    ours = {client.id for client in clients}
    seen: set[str] = set()
    for _ in range(LOOKS):
        seen = {one.id for one in (await subject.ask(_Top, "top")).clients}
        if seen & ours:
            return
    if seen:
        raise TargetError(
            "nodes know the clients of these keys by other ids: set GATEWAY_IDENTITY_SECRET, or "
            "GATEWAY_CLIENTS_FILE, here as it is there"
        )


async def named(subject: Subject, keys: Sequence[str]) -> tuple[Client, ...]:
    """The clients of these keys.

    Raises:
        TargetError: somebody of them is unknown.
    """
    file = subject.folder / "keys"
    file.write_text("".join(f"{key}\n" for key in keys))
    try:
        lines = (await subject.text("whois", "--all", stdin=file)).splitlines()
    except SubjectError as error:
        raise TargetError(str(error)) from None
    finally:
        file.unlink()
    ids = [parse(_Named, "whois", line).client for line in lines]
    return tuple(Client(key, client_id) for key, client_id in zip(keys, ids, strict=True))
