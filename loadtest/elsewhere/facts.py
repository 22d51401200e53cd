"""What is true of the cluster, as its Redis tells: nodes, limits, and who else sends."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.contract.limits import Limits, parse_limits
from gateway.contract.records import Totals
from loadtest.child import StartError
from loadtest.elsewhere import terms
from loadtest.elsewhere.target import Target, TargetError
from loadtest.elsewhere.terms import PLAIN, Terms
from loadtest.subject_commands import Identity, Report, Subject

QUIET_SECONDS = 4.0
"""Nodes publish each second; so long are they watched to see whether anybody else is there."""

UP = "Up"


@dataclass(frozen=True, slots=True)
class NodePlace:
    """A node that Redis knows."""

    id: str
    state: str = ""
    totals: Totals | None = None
    boot_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Nodes:
    at: float
    redis_connected: bool
    nodes: tuple[NodePlace, ...]


@dataclass(frozen=True, slots=True)
class _Redis:
    refuses: bool = False
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class _Status:
    redis: _Redis


@dataclass(frozen=True, slots=True)
class _ClientLimit:
    client: str
    limit: str | None = None
    shadow: bool | None = None


@dataclass(frozen=True, slots=True)
class _LimitsDocument:
    default: str | None
    address_limit: str | None = None
    limits: tuple[_ClientLimit, ...] = ()
    shadow: bool = False
    routes: tuple[terms.RouteTerms, ...] = ()
    exempt: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    @property
    def limitless(self) -> frozenset[str]:
        """Clients that their limits refuse nothing."""
        return frozenset((*self.allow, *self.deny, *(one.client for one in self.limits if one.shadow)))

    @property
    def has_networks(self) -> bool:
        """Whether addresses are allowed or denied."""
        return any(":" in entry or entry[0].isdigit() for entry in (*self.allow, *self.deny))


@dataclass(frozen=True, slots=True)
class Facts:
    """Before the run: nodes, limits (the default, and by client where that is another), `others_per_second`
    requests of other clients, and the identities of findings that are there already. `terms` are those of
    what will be asked for."""

    nodes: tuple[NodePlace, ...]
    default: Limits
    limits: Mapping[str, Limits] = field(default_factory=dict)
    address_limit: str | None = None
    others_per_second: float = 0.0
    known_findings: frozenset[Identity] = frozenset()
    terms: Terms = PLAIN
    limitless: frozenset[str] = frozenset()  # clients that are allowed, denied or in shadow
    is_shadow: bool = False
    has_networks: bool = False  # whether addresses are allowed or denied, ours perhaps among them
    clock_offset: float = 0.0  # what this machine's clock is ahead of Redis', at least

    @property
    def totals(self) -> dict[str, Totals]:
        """By node, what each had counted."""
        return totals_of(self.nodes)

    @property
    def boots(self) -> dict[str, str | None]:
        """By node, the id of its boot."""
        return {node.id: node.boot_id for node in self.nodes}

    @property
    def up(self) -> list[NodePlace]:
        """Nodes that serve."""
        return [node for node in self.nodes if node.state == UP]

    def of_client(self, client_id: str) -> Limits:
        """Its limit."""
        return self.limits.get(client_id, self.default)


async def gathered(subject: Subject, target: Target) -> Facts:
    """Look for some seconds.

    Raises:
        StartError: Redis does not answer, or knows no node.
        TargetError: what is asked for is not counted there.
        SubjectError: the subject does not answer as it should.
    """
    first_at, first_asked_at, first = time.monotonic(), time.time(), await _look(subject)
    document = await subject.ask(_LimitsDocument, "limits")
    if document.default is None:
        raise StartError("the nodes' policies cannot be read in Redis")
    if terms.is_exempt(target.path, document.exempt):
        raise TargetError(
            f"{target.path} is exempt there ({', '.join(document.exempt)}), so none of it is counted for "
            "anybody: give another --path"
        )
    found = await subject.ask(Report, "diagnose")
    await asyncio.sleep(max(0.0, first_at + QUIET_SECONDS - time.monotonic()))
    second_at, second_asked_at, second = time.monotonic(), time.time(), await _look(subject)
    more = _requests(second.nodes) - _requests(first.nodes)
    return Facts(
        nodes=second.nodes,
        default=parse_limits(document.default),
        limits={one.client: parse_limits(one.limit) for one in document.limits if one.limit is not None},
        address_limit=document.address_limit,
        others_per_second=more / (second_at - first_at),
        known_findings=frozenset(finding.identity for finding in found.findings),
        terms=terms.of_path(target.path, target.hosts, document.routes),
        limitless=document.limitless,
        is_shadow=document.shadow,
        has_networks=document.has_networks,
        clock_offset=max(first_asked_at - first.at, second_asked_at - second.at),
    )


async def nodes(subject: Subject) -> tuple[NodePlace, ...]:
    """All that Redis knows.

    Raises:
        StartError: it does not answer, or knows none that is up.
        SubjectError: the subject does not answer as it should.
    """
    return (await _look(subject)).nodes


async def _look(subject: Subject) -> _Nodes:
    seen = await subject.ask(_Nodes, "nodes")
    if not seen.redis_connected:
        told = (await subject.ask(_Status, "status")).redis
        what = f"refuses ({told.problem})" if told.refuses else "does not answer"
        raise StartError(f"Redis {what}: give what the nodes count in as --redis, or in REDIS_URL")
    if not any(node.state == UP for node in seen.nodes):
        raise StartError("this Redis knows no node that is up: is it the one that the nodes count in?")
    return seen


def totals_of(places: Sequence[NodePlace]) -> dict[str, Totals]:
    """By node; of none that cannot be read."""
    return {node.id: node.totals for node in places if node.totals is not None}


def _requests(places: Sequence[NodePlace]) -> int:
    """That all of them counted."""
    return sum(one.requests for one in totals_of(places).values())
