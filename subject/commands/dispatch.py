"""What each command does: look, make a document of it, print it, and say how it went."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from subject.actions.known_clients import check_known, checked
from subject.cluster.policies import Policies
from subject.cluster.snapshot import Snapshot, take
from subject.commands import actions, since, why
from subject.diagnosis.problems import Diagnosis, diagnose
from subject.exit_codes import FOUND, UNREACHABLE, WELL
from subject.output import diagnosis_document, documents
from subject.output.lines import print_json
from subject.settings import Settings
from subject.telemetry.reader import Reader, Wanted, nobody


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
        match arguments.command, getattr(arguments, "verb", None):
            case "audit", _:
                return await actions.audit(arguments, reader)
            case "reset", _:
                return await actions.reset(arguments, reader, settings)
            case "limits", "set":
                return await actions.set_limit(arguments, reader, settings)
            case "limits", "unset":
                return await actions.unset_limit(arguments, reader, settings)
            case "limits", _:
                return await _limits(arguments, reader, settings)
            case "diagnose", _ if arguments.since is not None:
                return await since.run(arguments, reader, settings)
            case "why", _:
                return await why.run(arguments, reader, settings)
            case "watch" | "record" | "mcp", _:
                return await _go_on(arguments, reader, settings)
            case "nodes", "forget":
                return await actions.forget_node(arguments, reader, settings)
        return _show(arguments, await _look(reader, settings))


async def _go_on(arguments: argparse.Namespace, reader: Reader, settings: Settings) -> int:
    """Commands that look again and again; what each needs is imported for it alone."""
    if arguments.command == "mcp":
        from subject.commands import mcp

        return await mcp.run(reader, settings)
    if arguments.command == "record":
        from subject.commands import record

        return await record.run(arguments, reader, settings)
    from subject.commands import watch

    return await watch.run(arguments, reader, settings)


async def _look(reader: Reader, settings: Settings, wanted: Wanted = nobody) -> Seen:
    snapshot = take(await reader.look_twice_if_needed(wanted), settings.node_down_seconds)
    return Seen(snapshot, diagnose(snapshot, settings))


def _show(arguments: argparse.Namespace, seen: Seen, clients: Sequence[str] = ()) -> int:
    if arguments.json:
        print_json(_document(arguments, seen, clients))
    else:
        _print(arguments, seen, clients)
    if arguments.command == "diagnose" and not seen.diagnosis.healthy:
        return seen.exit_code or FOUND
    return seen.exit_code


def _document(arguments: argparse.Namespace, seen: Seen, clients: Sequence[str]) -> documents.Document:
    match arguments.command:
        case "status":
            return documents.status(seen.snapshot, seen.diagnosis)
        case "nodes":
            return documents.nodes(seen.snapshot)
        case "top":
            return documents.top(seen.snapshot, arguments.by)
        case "limits":
            return documents.limits(seen.snapshot, clients)
    return diagnosis_document.document(seen.snapshot, seen.diagnosis)


def _print(arguments: argparse.Namespace, seen: Seen, clients: Sequence[str]) -> None:
    from subject.output.report import Report  # what draws tables takes a while to import

    report = Report.of_terminal()
    match arguments.command:
        case "status":
            report.status(seen.snapshot, seen.diagnosis)
        case "nodes":
            report.nodes(seen.snapshot, seen.diagnosis)
        case "top":
            report.top(seen.snapshot, seen.diagnosis, arguments.by)
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
