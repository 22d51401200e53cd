"""The commands that show what one look brings: status, nodes, top, diagnose and limits."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from subject.actions.known_clients import checked, chosen
from subject.cluster.snapshot import Snapshot, take
from subject.diagnosis.problems import Diagnosis, diagnose
from subject.exit_codes import FOUND, shown
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
        """Of a command that shows it."""
        return shown(blind=self.diagnosis.blind, redis_connected=self.snapshot.redis.connected)


async def run(arguments: argparse.Namespace, reader: Reader, settings: Settings) -> int:
    """``status``, ``nodes``, ``top`` and ``diagnose``."""
    return _show(arguments, await _look(reader, settings))


async def limits(arguments: argparse.Namespace, reader: Reader, settings: Settings) -> int:
    """``limits`` and ``limits get``: of one client, or of all that have their own."""
    client = getattr(arguments, "client", None)
    if client is not None:
        checked(client)
    wanted = partial(chosen, client)
    seen = await _look(reader, settings, wanted)
    # With Redis away nobody can say whether it is a client, or a key that was written by mistake.
    return _show(arguments, seen, wanted(seen.snapshot.policies) if seen.snapshot.redis.connected else [])


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
