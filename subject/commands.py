"""What each command does: look, make a document of it, print it, and say how it went."""

import argparse
import getpass
import json
import os
import sys
from dataclasses import dataclass
from typing import Any

from gateway.contract import client_id
from gateway.contract.clients import Clients, ClientsFileError, parse_clients
from gateway.contract.limits import LimitSyntaxError, parse_limit
from subject import actions, documents
from subject.actions import Actor
from subject.diagnosis import Diagnosis, diagnose
from subject.errors import UsageError
from subject.reader import Reader
from subject.report import Report
from subject.settings import Settings
from subject.snapshot import Snapshot, take

WELL, FOUND, WRONG_USE, UNREACHABLE = 0, 1, 2, 3
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
    if arguments.command == "whois":
        return _whois(arguments, settings)
    async with Reader(settings) as reader:
        if arguments.command == "reset":
            return await _reset(arguments, reader)
        if arguments.command == "limits":
            if arguments.verb == "set":
                return await _set(arguments, reader)
            if arguments.verb == "unset":
                return await _unset(arguments, reader)
            return await _limits(arguments, reader, settings)
        return _show(arguments, await _look(reader, settings))


async def _look(reader: Reader, settings: Settings, *clients: str) -> Seen:
    snapshot = take(await reader.look_twice_if_needed(clients), settings.node_down_seconds)
    return Seen(snapshot, diagnose(snapshot, settings))


def _show(arguments: argparse.Namespace, seen: Seen) -> int:
    report = Report.of_terminal()
    snapshot, diagnosis = seen.snapshot, seen.diagnosis
    if arguments.command == "diagnose":
        _print(arguments, documents.diagnosis_document(snapshot, diagnosis), report.diagnosis, seen)
        return seen.exit_code or (WELL if diagnosis.healthy else FOUND)
    show = {
        "status": (documents.status(snapshot, diagnosis), report.status),
        "nodes": (documents.nodes(snapshot), report.nodes),
        "top": (documents.top(snapshot), report.top),
    }
    document, table = show[arguments.command]
    _print(arguments, document, table, seen)
    return seen.exit_code


def _print(arguments: argparse.Namespace, document: documents.Document, table: Any, seen: Seen) -> None:
    if arguments.json:
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
        return
    table(document, seen.diagnosis)


async def _limits(arguments: argparse.Namespace, reader: Reader, settings: Settings) -> int:
    client = getattr(arguments, "client", None)
    if client is not None:
        seen = await _look(reader, settings, actions.checked(client))
        # With Redis away nobody can say whether it is a client, or a key that was written by mistake.
        known = seen.snapshot.policies.is_client(client)
        if seen.snapshot.redis.connected:
            actions.check_known(client, seen.snapshot.policies)
            known = True
        clients = [client] if known else []
    else:
        seen = await _look(reader, settings)
        policies = seen.snapshot.policies
        registered = () if policies.table is None else policies.table.clients
        clients = sorted({*policies.overrides.limits, *registered})
        if clients:
            seen = await _look(reader, settings, *clients)
    _print(arguments, documents.limits(seen.snapshot, clients), Report.of_terminal().limits, seen)
    return seen.exit_code


async def _set(arguments: argparse.Namespace, reader: Reader) -> int:
    try:
        limit = parse_limit(arguments.limit)
    except LimitSyntaxError as error:
        raise UsageError(str(error)) from None
    client = arguments.client
    applied = await actions.set_limit(reader.redis, client, limit, _actor(arguments))
    before = "" if applied is None else f" (was {applied.limit}, {applied.name})"
    sys.stdout.write(f"{client} now has {limit}{before}; {TAKEN_OVER}. Undo: subject limits unset {client}\n")
    return WELL


async def _unset(arguments: argparse.Namespace, reader: Reader) -> int:
    client = arguments.client
    before = await actions.unset_limit(reader.redis, client, _actor(arguments))
    if before is None:
        sys.stdout.write(f"{client} has no limit that was set live: nothing was changed\n")
        return WELL
    sys.stdout.write(f"{client} no longer has {before}, its usual limit applies again; {TAKEN_OVER}\n")
    return WELL


async def _reset(arguments: argparse.Namespace, reader: Reader) -> int:
    client = arguments.client
    generation = await actions.reset(reader.redis, client, _actor(arguments))
    sys.stdout.write(f"{client}'s count begins anew (generation {generation}); {TAKEN_OVER}\n")
    return WELL


def _actor(arguments: argparse.Namespace) -> Actor:
    try:
        return Actor(getpass.getuser(), arguments.why)
    except (OSError, KeyError):
        return Actor(f"uid {os.getuid()}", arguments.why)


def _whois(arguments: argparse.Namespace, settings: Settings) -> int:
    clients = _clients(settings)
    key = getpass.getpass("API key: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not client_id.is_usable_key(key):
        raise UsageError("an API key is 1 to 256 visible ASCII characters, on one line of standard input")
    name = clients.identify(key) if clients is not None else None
    if clients is not None and name is None:
        sys.stderr.write(f"subject: no client in {settings.clients_file} has this key\n")
        return FOUND
    if name is None:
        secret = settings.identity_secret
        if secret is None:
            sys.stderr.write(
                "subject: GATEWAY_IDENTITY_SECRET is not set here: right where nodes have none\n"
            )
        name = client_id.unknown_client_id(
            key, client_id.DEFAULT_SECRET if secret is None else secret.get_secret_value()
        )
    sys.stdout.write((json.dumps({"client": name}) if arguments.json else name) + "\n")
    return WELL


def _clients(settings: Settings) -> Clients | None:
    if settings.clients_file is None:
        return None
    try:
        return parse_clients(settings.clients_file.read_text())
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise UsageError(f"GATEWAY_CLIENTS_FILE={settings.clients_file}: {reason}") from None
    except ClientsFileError as error:
        raise UsageError(f"GATEWAY_CLIENTS_FILE={settings.clients_file}: {error}") from None
