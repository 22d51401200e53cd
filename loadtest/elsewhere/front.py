"""Which node is behind each URL, told by what the answers to a few requests say of their way."""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp

from loadtest.child import StartError
from loadtest.counts import Counts
from loadtest.elsewhere.facts import Facts
from loadtest.elsewhere.target import Target, TargetError

PROBES = 5
TIMEOUT_SECONDS = 5.0
CLUSTER = "cluster"
"""What is behind a URL that leads to several nodes."""

_HOP = re.compile(r"\S+ (\S+)")
_OUTCOMES = {429: "refused", 403: "refused", 401: "unidentified"}


@dataclass(slots=True)
class Front:
    """What the run sends to: the id and URL of each; and what became of the probes, by that id."""

    nodes: list[tuple[str, str]]
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
        StartError: nobody answers there.
        TargetError: all keys are refused, or URLs and nodes do not belong together.
    """
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        found = await asyncio.gather(*(_probe(session, url, target.path, keys) for url in target.urls))
    for one in found:
        if one.statuses[401] == sum(one.statuses.values()):
            what = (
                "the keys of --keys are none that it knows"
                if target.keys
                else ("it takes registered keys only: give some with --keys FILE")
            )
            raise TargetError(f"{one.url} answers 401 to every request: {what}")
    return _front(found, {node.id for node in facts.up})


def _front(found: Sequence[_Probed], up: set[str]) -> Front:
    if len(found) == 1 and (len(up) > 1 or not found[0].nodes & up):
        (only,) = found
        if len(only.nodes & up) == 1:
            (node_id,) = only.nodes & up
            raise TargetError(_idle(sorted(up - {node_id})))
        return Front([(CLUSTER, only.url)], {CLUSTER: _counts(only)})
    nodes: dict[str, _Probed] = {}
    for one in found:
        ids = one.nodes & up
        if len(ids) != 1:
            raise TargetError(
                f"{one.url} leads to {' and '.join(sorted(one.nodes)) or 'no node that says its name'}, and "
                f"Redis knows {', '.join(sorted(up))}: give each node's own URL, or one that leads to all"
            )
        (node_id,) = ids
        if node_id in nodes:
            raise TargetError(f"{nodes[node_id].url} and {one.url} both lead to {node_id}")
        nodes[node_id] = one
    if idle := sorted(up - set(nodes)):
        raise TargetError(_idle(idle))
    return Front(
        [(node_id, one.url) for node_id, one in nodes.items()],
        {node_id: _counts(one) for node_id, one in nodes.items()},
    )


def _idle(nodes: Sequence[str]) -> str:
    return f"{', '.join(nodes)} would get nothing, which is an anomaly of its own: give the URLs of all nodes"


async def _probe(session: aiohttp.ClientSession, url: str, path: str, keys: Sequence[str]) -> _Probed:
    probed = _Probed(url)
    for number in range(PROBES):
        headers = {"X-API-Key": keys[number % len(keys)]}
        try:
            async with session.get(f"{url}{path}", headers=headers, allow_redirects=False) as answer:
                await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise StartError(f"{url} does not answer: {str(error) or 'not in time'}") from None
        hops = _HOP.findall(",".join(answer.headers.getall("Via", [])))
        probed.nodes.update(hop.rstrip(",") for hop in hops)
        probed.statuses[answer.status] += 1
        probed.outcomes["admitted" if hops else _OUTCOMES.get(answer.status, "failed")] += 1
    return probed


def _counts(probed: _Probed) -> Counts:
    return Counts(started=sum(probed.outcomes.values()), **probed.outcomes)
