"""What an AI operator can call by ``subject mcp``."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec

from subject.actions import edits, outcomes, undo
from subject.actions.edits import Actor, LimitChange
from subject.actions.known_clients import checked, chosen
from subject.actions.limit_hints import read_limit
from subject.actions.revisions import NONE
from subject.cluster.policies import Policies
from subject.cluster.snapshot import Snapshot, take
from subject.commands import explanations
from subject.commands import why as why_command
from subject.diagnosis.problems import Diagnosis, diagnose
from subject.durations import parse_duration
from subject.errors import UsageError
from subject.finding import as_json
from subject.output import diagnosis_document, documents
from subject.output.documents import Document
from subject.output.why_document import why_document
from subject.settings import Settings
from subject.telemetry.live_reads import read_audit
from subject.telemetry.reader import Reader, Wanted, nobody
from subject.telemetry.redis_client import reading
from subject.telemetry.redis_reads import redis_time

MOST_CLIENTS = 100
Parameters = ParamSpec("Parameters")


class Tools:
    """What a model can call; each docstring is what it is told of the tool."""

    def __init__(self, reader: Reader, settings: Settings) -> None:
        self._reader = reader
        self._settings = settings
        self._one_at_a_time = asyncio.Lock()
        self._changing = set[asyncio.Task[Document]]()

    async def status(self) -> Document:
        """The cluster's sums: nodes and their states, rate, refusals, latencies, Redis, codes of findings."""
        return documents.status(*await self._look())

    async def nodes(self) -> Document:
        """Each node: state, rate, refusals, latencies, CPU, totals. Compare them to find the odd one."""
        snapshot, _ = await self._look()
        return documents.nodes(snapshot)

    async def diagnose(self) -> Document:
        """What is wrong, since when, on what evidence, with what confidence, and what to do about it."""
        return diagnosis_document.document(*await self._look())

    async def top(self, most: int = 20) -> Document:
        """The busiest and most refused clients with their limits and what stands in their windows."""
        if not 1 <= most <= MOST_CLIENTS:
            raise UsageError(f"most is between 1 and {MOST_CLIENTS}")
        snapshot, _ = await self._look()
        document = documents.top(snapshot)
        clients = document["clients"]
        return {**document, "clients": None if clients is None else clients[:most]}

    async def limits(self, client: str | None = None) -> Document:
        """The limits that apply: of one client, or the default, the plans, and those that have their own: the
        first hundred, live ones before others; `more` is how many there are beside.
        """
        if client is not None:
            checked(client)

        def wanted(policies: Policies) -> list[str]:
            live = policies.overrides.limits
            return sorted(chosen(client, policies), key=lambda name: name not in live)

        snapshot, _ = await self._look(lambda policies: wanted(policies)[:MOST_CLIENTS])
        clients = wanted(snapshot.policies) if snapshot.redis.connected else []
        document = documents.limits(snapshot, clients[:MOST_CLIENTS])
        return {**document, "more": max(0, len(clients) - MOST_CLIENTS)}

    async def why(self, client: str) -> Document:
        """Whether a client is refused, by which of its policies and where these come from, on which nodes,
        since when, when its next request passes, and who changed what of it in the last day.
        """
        async with self._one_at_a_time:
            snapshot = await why_command.look(self._reader, self._settings, checked(client))
            answer, changes = await why_command.answered(self._reader, self._settings, snapshot, client)
        return why_document(snapshot, answer, changes, None)

    async def audit(self, client: str | None = None, since: str = "1d") -> Document:
        """Who changed what, when and why, the newest last: of all or one client, since 1h, 7d or so ago."""
        if client is not None:
            checked(client)
        redis, seconds = self._reader.redis, parse_duration(since)
        async with reading(redis):
            return documents.audit(await read_audit(redis, await redis_time(redis), client, seconds))

    async def explain(self, code: str) -> Document:
        """What a finding's code means, how it is computed, by which thresholds, and the findings of now."""
        text = explanations.explain(code, self._settings)
        snapshot, diagnosis = await self._look()
        return {
            "at": snapshot.at,
            "code": code,
            "text": text,
            "findings": [as_json(found) for found in diagnosis.findings if found.code == code],
        }

    async def limits_set(
        self, client: str, limit: str, why: str, lasting: str | None = None, revision: str | None = None
    ) -> Document:
        """Give a client a limit (500/m, 20/10s, several with commas) before all others, on all nodes within a
        second. `lasting`: how long, as in 10m or 2h; without it until it is unset. `why` is audited.
        `revision`, as `limits` tells it: only if nobody has changed the client's live limit since.
        """
        seconds = None if lasting is None else parse_duration(lasting)
        asked = LimitChange(client, read_limit(limit), _actor(why), seconds, if_revision=revision)
        done = await edits.set_limit(self._reader.redis, asked)
        return {
            "client": client,
            "limit": str(done.limit),
            "until": done.until,
            "told": f"{outcomes.limit_set(client, done)}; {await self._where(done.version, done.at)}",
            "undo": undo.command(client, done.replaced, done.revision),
        }

    async def limits_unset(self, client: str, why: str, revision: str | None = None) -> Document:
        """Take away the limit that was set live for a client, so that its usual one applies again.
        `revision`, as `limits` tells it: only if nobody has changed it since.
        """
        done = await edits.unset_limit(self._reader.redis, client, _actor(why), if_revision=revision)
        if done is None:
            raise UsageError(outcomes.limit_unset(client, None))
        where = await self._where(done.version, done.at)
        before = done.taken.in_force
        return {
            "client": client,
            "told": f"{outcomes.limit_unset(client, done.taken)}; {where}",
            "undo": None if before is None else undo.command(client, before, NONE),
        }

    async def reset(self, client: str, why: str) -> Document:
        """Let a client's count begin anew, on all nodes within a second. It cannot be undone."""
        done = await edits.reset(self._reader.redis, client, _actor(why))
        where = await self._where(done.version, done.at)
        return {
            "client": client,
            "generation": done.generation,
            "told": f"{outcomes.count_reset(client, done.generation)}; {where}",
        }

    async def let_changes_end(self) -> None:
        """Wait for those that are being made."""
        if self._changing:
            await asyncio.wait(self._changing)

    def change(
        self, acting: Callable[Parameters, Awaitable[Document]]
    ) -> Callable[Parameters, Awaitable[Document]]:
        """The tool, of which it is known while it is at it."""

        @wraps(acting)
        async def known(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Document:
            task: asyncio.Task[Document] = asyncio.ensure_future(acting(*args, **kwargs))
            self._changing.add(task)
            task.add_done_callback(self._ended)
            return await asyncio.shield(task)

        return known

    def _ended(self, task: asyncio.Task[Document]) -> None:
        self._changing.discard(task)
        if not task.cancelled():
            task.exception()  # told to whoever asked, if anybody still waits for it

    async def _where(self, version: int | None, at: float) -> str:
        return await outcomes.where_by_now(self._reader.redis, version, at, self._settings)

    async def _look(self, wanted: Wanted = nobody) -> tuple[Snapshot, Diagnosis]:
        async with self._one_at_a_time:
            view = await self._reader.look_twice_if_needed(wanted)
        snapshot = take(view, self._settings.node_down_seconds)
        return snapshot, diagnose(snapshot, self._settings)


def _actor(why: str) -> Actor:
    if not why.strip():
        raise UsageError("why is empty: the audit says for each change why it was made")
    try:
        return Actor(f"{getpass.getuser()} (mcp)", why)
    except (OSError, KeyError):
        return Actor("mcp", why)
