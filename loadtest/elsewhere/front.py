"""Which node is behind each URL, told by what the answers to a few requests say of their way."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus

import aiohttp
from yarl import URL

from loadtest.child import StartError
from loadtest.counts import Counts, outcome
from loadtest.elsewhere.facts import Facts
from loadtest.elsewhere.target import Target, TargetError
from loadtest.polling import until
from loadtest.trust import trust
from loadtest.via import hops

PROBES, MOST_PROBES = 5, 30
"""More where one URL stands for all nodes, until each has answered: a balancer may choose by chance."""

TIMEOUT_SECONDS = 5.0
KNOCK_SECONDS = 0.4
"""The shortest window is a second."""

CLUSTER = "cluster"
"""What is behind a URL that leads to several nodes."""

FAULTY = 500
"""From this status on an answer is a failure of the service, whoever it is of."""


@dataclass(slots=True)
class Front:
    """What the run sends to: the id and URL of each; what became of the probes, by that id; and all nodes."""

    nodes: list[tuple[str, str]]
    node_ids: tuple[str, ...]
    probes: dict[str, Counts] = field(default_factory=dict)

    @property
    def is_one_for_all(self) -> bool:
        """Whether nobody can choose the node."""
        return [node_id for node_id, _ in self.nodes] == [CLUSTER]


@dataclass(slots=True)
class _Probed:
    url: str
    nodes: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)


async def probed(target: Target, keys: Sequence[str], facts: Facts) -> Front:
    """Send some requests to each URL.

    Raises:
        StartError: nobody answers there, or not as a service that is well does.
        TargetError: all keys are refused, or URLs and nodes do not belong together.
    """
    up = {node.id for node in facts.up}
    async with _session(target) as session:
        found = await asyncio.gather(*(_probe(session, url, target, keys, up) for url in target.urls))
    for one in found:
        _check(one, target, up)
    return _front(found, up)


@asynccontextmanager
async def knocking(target: Target, front: Front, key: str, *, again: bool) -> AsyncIterator[None]:
    """A request with this key before the context, and more `again` and again while it lasts.

    Raises:
        StartError: nobody answers any more.
    """
    (node_id, url), *_ = front.nodes
    knocked, is_over = _Probed(url), asyncio.Event()
    async with _session(target) as session:
        send = partial(_send, session, knocked, target, key, set(front.node_ids))

        async def knock() -> None:
            while not is_over.is_set():
                await send()
                await until(is_over.is_set, KNOCK_SECONDS)

        await send()
        knocks = asyncio.create_task(knock()) if again else None
        try:
            yield
        finally:
            is_over.set()
            if knocks is not None:
                await knocks  # a request that is under way is counted
            front.probes[node_id] = front.probes.get(node_id, Counts()) + _counts(knocked)


def _session(target: Target) -> aiohttp.ClientSession:
    """A balancer may choose once a connection, so each request has its own."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
        connector=aiohttp.TCPConnector(force_close=True, ssl=trust(is_insecure=target.is_insecure)),
    )


def _check(one: _Probed, target: Target, up: set[str]) -> None:
    """Whether what is asked for is served there."""
    alike = next(iter(one.statuses)) if len(one.statuses) == 1 else None
    if alike == HTTPStatus.UNAUTHORIZED:
        what = (
            f"the keys of --keys are none that it knows in {target.key_header}"
            if target.keys
            else "it takes registered keys only: give some with --keys FILE. Or it looks for them elsewhere "
            f"than in {target.key_header}: name that field with --header"
        )
        raise TargetError(f"{one.url} answers 401 to every request: {what}")
    if worst := max((status for status in one.statuses if status >= FAULTY), default=None):
        who = "the service behind it" if one.nodes & up else "it"
        raise StartError(
            f"{one.url}: {who} answers {worst} to {target.path}, which is found without any load: mend that, "
            "or give another --path"
        )
    if not one.nodes & up and alike in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.FORBIDDEN):
        raise TargetError(
            f"{one.url} answers {alike} to every request: let a window pass, or give other --keys"
        )


def _front(found: Sequence[_Probed], up: set[str]) -> Front:
    ids = tuple(sorted(up))
    if len(found) == 1 and len(found[0].nodes & up) > 1:
        (only,) = found
        if idle := sorted(up - only.nodes):
            raise TargetError(_idle(idle))
        return Front([(CLUSTER, only.url)], ids, {CLUSTER: _counts(only)})
    nodes: dict[str, _Probed] = {}
    for one in found:
        known = one.nodes & up
        if len(known) != 1:
            raise TargetError(_not_one(one, up))
        (node_id,) = known
        if node_id in nodes:
            raise TargetError(f"{nodes[node_id].url} and {one.url} both lead to {node_id}")
        nodes[node_id] = one
    if idle := sorted(up - set(nodes)):
        raise TargetError(_idle(idle))
    return Front(
        [(node_id, one.url) for node_id, one in nodes.items()],
        ids,
        {node_id: _counts(one) for node_id, one in nodes.items()},
    )


def _not_one(one: _Probed, up: set[str]) -> str:
    known = f"Redis knows {', '.join(sorted(up))}"
    if one.nodes & up:
        return (
            f"{one.url} leads to {' and '.join(sorted(one.nodes & up))}: give each node's own URL, or alone "
            "one that leads to all"
        )
    told = f"only {', '.join(sorted(one.nodes))}" if one.nodes else "nobody"
    return (
        f"{one.url} answers, and names {told} in Via where a node would name itself; {known}. Is it a node "
        "of this cluster? And nothing in front of it may take Via away"
    )


def _idle(nodes: Sequence[str]) -> str:
    return f"{', '.join(nodes)} would get nothing, which is an anomaly of its own: give the URLs of all nodes"


async def _probe(
    session: aiohttp.ClientSession, url: str, target: Target, keys: Sequence[str], up: set[str]
) -> _Probed:
    probed = _Probed(url)
    most = MOST_PROBES if len(target.urls) == 1 else PROBES
    for number in range(most):
        if number >= PROBES and (up <= probed.nodes or not up & probed.nodes):
            break
        await _send(session, probed, target, keys[number % len(keys)], up)
    return probed


async def _send(
    session: aiohttp.ClientSession, probed: _Probed, target: Target, key: str, up: set[str]
) -> None:
    url = probed.url
    try:
        async with session.get(
            URL(f"{url}{target.path}", encoded=True), headers={target.key_header: key}, allow_redirects=False
        ) as answer:
            await answer.read()
    except aiohttp.ClientConnectorCertificateError as error:
        raise TargetError(
            f"{url}: {error.certificate_error}: name the authorities that signed it in SSL_CERT_FILE, or "
            "take any certificate with --insecure"
        ) from None
    except (aiohttp.ClientError, TimeoutError) as error:
        raise StartError(f"{url} does not answer: {str(error) or 'not in time'}") from None
    names = hops(answer.headers.getall("Via", []))
    probed.nodes.update(names)
    probed.statuses[answer.status] += 1
    is_upstreams = not names.isdisjoint(up)
    probed.outcomes[outcome(answer.status, is_upstreams=is_upstreams)] += 1


def _counts(probed: _Probed) -> Counts:
    return Counts(started=sum(probed.outcomes.values()), **probed.outcomes)
