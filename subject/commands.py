"""What each command does: look, make a document of it, print it, and say how it went."""

import argparse
import getpass
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.contract.limits import LimitSyntaxError, parse_limits
from subject import actions, documents
from subject.actions import Actor
from subject.diagnosis import Diagnosis, diagnose
from subject.durations import parse_duration
from subject.errors import UsageError, shortened
from subject.exit_codes import FOUND, UNREACHABLE, WELL
from subject.finding import moment
from subject.known_clients import check_known, checked
from subject.live_reads import read_audit
from subject.policies import Policies
from subject.printable import printable
from subject.reader import Reader, Wanted, nobody
from subject.redis_client import redis_errors_mapped
from subject.redis_reads import redis_time
from subject.settings import Settings
from subject.snapshot import Snapshot, take

TAKEN_OVER = "nodes take it over within a second"


@dataclass(frozen=True, slots=True)
class Seen:
    """One look and what is made of it."""

    snapshot: Snapshot
    diagnosis: Diagnosis

    @property
    def exit_code(self) -> int:
        """Of a command that shows something: blind goes before Redis being away."""
        if self.diagnosis.blind:
            return UNREACHABLE
        return WELL if self.snapshot.redis.connected else FOUND


async def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the command that `arguments` name; its exit code."""
    async with Reader(settings) as reader:
        if arguments.command == "audit":
            return await _audit(arguments, reader)
        if arguments.command == "reset":
            return await _reset(arguments, reader)
        if arguments.command == "limits":
            if arguments.verb == "set":
                return await _set(arguments, reader)
            if arguments.verb == "unset":
                return await _unset(arguments, reader)
            return await _limits(arguments, reader, settings)
        return _show(arguments, await _look(reader, settings))


async def _look(reader: Reader, settings: Settings, wanted: Wanted = nobody) -> Seen:
    snapshot = take(await reader.look_twice_if_needed(wanted), settings.node_down_seconds)
    return Seen(snapshot, diagnose(snapshot, settings))


def _show(arguments: argparse.Namespace, seen: Seen, clients: Sequence[str] = ()) -> int:
    if arguments.json:
        _print_json(_document(arguments.command, seen, clients))
    else:
        _print(arguments.command, seen, clients)
    if arguments.command == "diagnose" and not seen.diagnosis.healthy:
        return seen.exit_code or FOUND
    return seen.exit_code


def _print_json(document: documents.Document) -> None:
    text = json.dumps(document, ensure_ascii=False)
    sys.stdout.write((text if text.isprintable() else json.dumps(document)) + "\n")


def _document(command: str, seen: Seen, clients: Sequence[str]) -> documents.Document:
    match command:
        case "status":
            return documents.status(seen.snapshot, seen.diagnosis)
        case "nodes":
            return documents.nodes(seen.snapshot)
        case "top":
            return documents.top(seen.snapshot)
        case "limits":
            return documents.limits(seen.snapshot, clients)
    return documents.diagnosis_document(seen.snapshot, seen.diagnosis)


def _print(command: str, seen: Seen, clients: Sequence[str]) -> None:
    from subject.report import Report  # what draws tables takes a while to import

    report = Report.of_terminal()
    match command:
        case "status":
            report.status(seen.snapshot, seen.diagnosis)
        case "nodes":
            report.nodes(seen.snapshot, seen.diagnosis)
        case "top":
            report.top(seen.snapshot, seen.diagnosis)
        case "limits":
            report.limits(seen.snapshot, seen.diagnosis, clients)
        case _:
            report.diagnosis(seen.snapshot, seen.diagnosis)


async def _limits(arguments: argparse.Namespace, reader: Reader, settings: Settings) -> int:
    client = getattr(arguments, "client", None)

    def wanted(policies: Policies) -> list[str]:
        return policies.with_limits_of_their_own if client is None else [check_known(client, policies)]

    if client is not None:
        checked(client)
    seen = await _look(reader, settings, wanted)
    # With Redis away nobody can say whether it is a client, or a key that was written by mistake.
    return _show(arguments, seen, wanted(seen.snapshot.policies) if seen.snapshot.redis.connected else [])


async def _set(arguments: argparse.Namespace, reader: Reader) -> int:
    try:
        limit = parse_limits(arguments.limit)
    except LimitSyntaxError as error:
        # Where its message quotes the text, which may be a key, it begins with that.
        rest = re.split("['\"]", str(error))[-1].lstrip("…:, ")
        raise UsageError(f"{shortened(arguments.limit)}: {rest}") from None
    client = arguments.client
    seconds = None if arguments.duration is None else parse_duration(arguments.duration)
    done = await actions.set_limit(reader.redis, client, limit, _actor(arguments), seconds)
    _tell(f"{_said(client, done)}; {TAKEN_OVER}. Undo: subject limits unset {client}")
    return WELL


def _said(client: str, done: actions.LimitSet) -> str:
    text = f"{client} now has {done.limit}"
    if done.until is not None:
        text += f" until {moment(done.until, done.at)}"
        text += "" if done.usual is None else f", then {done.usual.limits} ({done.usual.name})"
    return text if done.before is None else f"{text} (was {done.before.limits}, {done.before.name})"


async def _unset(arguments: argparse.Namespace, reader: Reader) -> int:
    client = arguments.client
    taken = await actions.unset_limit(reader.redis, client, _actor(arguments))
    if taken is None:
        _tell(f"{client} has no limit that was set live: nothing was changed")
    elif taken.ended:
        _tell(f"{client}'s limit of {taken.limit} had ended: its record was taken out")
    elif taken.limit is None:
        _tell(f"{client}'s live limit, which cannot be read, was taken out; {TAKEN_OVER}")
    else:
        _tell(f"{client} no longer has {taken.limit}, its usual limit applies again; {TAKEN_OVER}")
    return WELL


async def _reset(arguments: argparse.Namespace, reader: Reader) -> int:
    client = arguments.client
    generation = await actions.reset(reader.redis, client, _actor(arguments))
    _tell(f"{client}'s count begins anew (generation {generation}); {TAKEN_OVER}")
    return WELL


async def _audit(arguments: argparse.Namespace, reader: Reader) -> int:
    client = None if arguments.client is None else checked(arguments.client)
    seconds = None if arguments.since is None else parse_duration(arguments.since)
    with redis_errors_mapped(reader.redis):
        audit = await read_audit(reader.redis, await redis_time(reader.redis), client, seconds)
    if arguments.json:
        _print_json(documents.audit(audit))
        return WELL
    from subject.audit_report import AuditReport  # as above

    AuditReport.of_terminal().audit(audit)
    return WELL


def _tell(line: str) -> None:
    sys.stdout.write(printable(line) + "\n")


def _actor(arguments: argparse.Namespace) -> Actor:
    try:
        return Actor(getpass.getuser(), arguments.why)
    except (OSError, KeyError):
        return Actor(f"uid {os.getuid()}", arguments.why)
