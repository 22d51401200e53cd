"""The commands that change something: what was done, where it is in force, and how to take it back."""

import argparse
import getpass
import os
from collections.abc import Sequence
from datetime import datetime

from gateway.contract.policy_table import Policy
from subject.actions import edits, forget, outcomes, undo
from subject.actions.edits import Actor, LimitChange, LimitSet
from subject.actions.effects import Effect, in_force
from subject.actions.known_clients import checked
from subject.actions.preview import preview
from subject.actions.revisions import NONE
from subject.cluster.snapshot import take
from subject.durations import parse_duration
from subject.errors import UsageError, shortened
from subject.exit_codes import WELL
from subject.output import documents
from subject.output.lines import print_json, print_line
from subject.settings import Settings
from subject.telemetry.live_reads import read_audit
from subject.telemetry.reader import Reader
from subject.telemetry.redis_client import reading
from subject.telemetry.redis_reads import redis_time


async def set_limit(arguments: argparse.Namespace, reader: Reader, settings: Settings) -> int:
    """``limits set``."""
    client = arguments.client
    asked = LimitChange(
        client=client,
        limit=arguments.limit,
        seconds=None if arguments.duration is None else parse_duration(arguments.duration),
        until=None if arguments.until is None else _time(arguments.until),
        actor=_actor(arguments),
        if_revision=arguments.revision,
    )
    if arguments.dry_run:
        proposed = await edits.propose_limit(reader.redis, asked)
        return await _show_proposal(arguments, reader, settings, proposed)
    done = await edits.set_limit(reader.redis, asked)
    back = undo.command(client, done.replaced, done.revision)
    found = await _effects(arguments, reader, settings, done.at, done.version)
    if arguments.json:
        print_json({**_set_document(client, done), "done": True, "undo": back, **_effects_document(found)})
    else:
        print_line(f"{outcomes.limit_set(client, done)}; {outcomes.where(found)}. Undo: {back}")
    return WELL


async def _show_proposal(
    arguments: argparse.Namespace, reader: Reader, settings: Settings, proposed: LimitSet
) -> int:
    client = arguments.client
    snapshot = take(await reader.look(lambda _: [client]), settings.node_down_seconds)
    lines = list(preview(snapshot, client, proposed))
    if arguments.json:
        print_json({**_set_document(client, proposed), "done": False, "undo": None, "notes": lines})
    else:
        for line in (
            outcomes.limit_set(client, proposed, "would have", "has"),
            *lines,
            "Nothing was changed",
        ):
            print_line(f"{line}.")
    return WELL


async def unset_limit(arguments: argparse.Namespace, reader: Reader, settings: Settings) -> int:
    """``limits unset``."""
    client = arguments.client
    done = await edits.unset_limit(reader.redis, client, _actor(arguments), if_revision=arguments.revision)
    if done is None:
        if arguments.json:
            print_json({"client": client, "done": False, "limit": None, "undo": None, "effects": None})
        else:
            print_line(outcomes.limit_unset(client, None))
        return WELL
    taken = done.taken
    back = None if taken.in_force is None else undo.command(client, taken.in_force, NONE)
    found = None
    if not taken.ended:
        found = await _effects(arguments, reader, settings, done.at, done.version)
    if arguments.json:
        limit = None if taken.limit is None else str(taken.limit)
        print_json({"client": client, "done": True, "limit": limit, "undo": back, **_effects_document(found)})
    else:
        after = "" if taken.ended else f"; {outcomes.where(found)}"
        print_line(outcomes.limit_unset(client, taken) + after + ("" if back is None else f". Undo: {back}"))
    return WELL


async def reset(arguments: argparse.Namespace, reader: Reader, settings: Settings) -> int:
    """``reset``."""
    client = arguments.client
    done = await edits.reset(reader.redis, client, _actor(arguments))
    found = await _effects(arguments, reader, settings, done.at, done.version)
    if arguments.json:
        document = {"client": client, "done": True, "generation": done.generation, "undo": None}
        print_json({**document, **_effects_document(found)})
    else:
        print_line(f"{outcomes.count_reset(client, done.generation)}; {outcomes.where(found)}")
    return WELL


async def forget_node(arguments: argparse.Namespace, reader: Reader, settings: Settings) -> int:
    """``nodes forget``."""
    node = arguments.node
    state = await forget.forget_node(
        reader, node, _actor(arguments), settings.node_down_seconds, lost=arguments.lost
    )
    print_line(f"{node}, which was {state}, is forgotten: its totals are no longer in the sums")
    return WELL


async def audit(arguments: argparse.Namespace, reader: Reader) -> int:
    """``audit``."""
    client = None if arguments.client is None else checked(arguments.client)
    seconds = None if arguments.since is None else parse_duration(arguments.since)
    async with reading(reader.redis):
        audit = await read_audit(reader.redis, await redis_time(reader.redis), client, seconds)
    if arguments.json:
        print_json(documents.audit(audit))
        return WELL
    from subject.output.audit_report import AuditReport  # what draws tables takes a while to import

    AuditReport.of_terminal().audit(audit)
    return WELL


def _time(text: str) -> float:
    wrong = UsageError(
        f"{shortened(text)} is no time with its zone: write it as in 2026-11-29T18:00:00Z, or use --for"
    )
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        raise wrong from None
    if read.tzinfo is None:
        raise wrong
    return read.timestamp()


def _actor(arguments: argparse.Namespace) -> Actor:
    try:
        return Actor(getpass.getuser(), arguments.why)
    except (OSError, KeyError):
        return Actor(f"uid {os.getuid()}", arguments.why)


async def _effects(
    arguments: argparse.Namespace, reader: Reader, settings: Settings, at: float, version: int | None
) -> Sequence[Effect] | None:
    wait_seconds = 0.0 if arguments.no_wait else settings.wait_seconds
    return await in_force(reader.redis, version, at, wait_seconds, settings.node_down_seconds)


def _set_document(client: str, done: LimitSet) -> documents.Document:
    return {
        "client": client,
        "limit": str(done.limit),
        "until": done.until,
        "before": _policy(done.before),
        "usual": _policy(done.usual),
        "revision": done.revision,
    }


def _policy(policy: Policy | None) -> documents.Document | None:
    return None if policy is None else {"limit": str(policy.limits), "source": policy.name}


def _effects_document(found: Sequence[Effect] | None) -> documents.Document:
    """Null where nobody waited; a node's seconds are null where it has not taken it over yet."""
    rows = None if found is None else [{"node": one.node, "seconds": one.seconds} for one in found]
    return {"effects": rows}
