"""``subject why``: from a client, a request's id or a pasted answer to the reason of a refusal."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace

from gateway.contract.records import MAX_REFUSALS, AuditRecord, Refusal
from subject.actions.known_clients import check_known, checked
from subject.cluster.policies import Policies
from subject.cluster.snapshot import Snapshot, take
from subject.errors import UsageError
from subject.exit_codes import shown
from subject.figures import moment
from subject.output.lines import print_json, print_line
from subject.output.why_document import why_document
from subject.settings import Settings
from subject.telemetry import state_endpoint
from subject.telemetry.live_reads import read_audit
from subject.telemetry.reader import Reader
from subject.telemetry.redis_client import reading
from subject.why.answer import Why, why
from subject.why.named_policies import explained
from subject.why.pasted_answers import LONGEST, checked_id, is_made_by_a_node, read_answer
from subject.why.refusal_runs import whole_run

CHANGES_SECONDS = 86_400
CHANGES = 5


async def run(arguments: argparse.Namespace, reader: Reader, settings: Settings) -> int:
    """Answer; the exit code.

    Raises:
        UsageError: it names no client, and no request that a node remembers.
    """
    client, request_id, policies = _asked(arguments)
    refusal = None
    if client is not None and is_made_by_a_node(client):
        snapshot = await look(reader, settings, None)
        if not snapshot.policies.is_client(client) and not snapshot.policies.is_changed(client):
            client, request_id = None, client
    if request_id is not None:
        snapshot = await look(reader, settings, None)
        refusal = await _refusal(snapshot, settings, request_id)
        if refusal is not None:
            client = refusal.client or client
        elif client is None and not policies:
            if not snapshot.sees:
                raise snapshot.redis.error
            raise UsageError(
                f"no node that answers remembers a request of this id: each does the last {MAX_REFUSALS:,} "
                "that it refused for a limit, since its start; "
                "its client's own id tells more: subject why CLIENT"
            )
    if client is None:
        snapshot = await look(reader, settings, None)
        return _show_policies(arguments, snapshot, policies)
    snapshot = await look(reader, settings, checked(client))
    return await _show(arguments, reader, settings, snapshot, client, refusal)


def _asked(arguments: argparse.Namespace) -> tuple[str | None, str | None, tuple[str, ...]]:
    """The client, the request and the policies that are asked about, as far as each is told."""
    if arguments.answer:
        if sys.stdin.isatty():
            sys.stderr.write("subject: paste the answer, as curl -i shows it, then Enter and Ctrl-D\n")
        pasted = read_answer(sys.stdin.read(LONGEST))
        return arguments.client, pasted.request_id, pasted.policies
    if arguments.request is not None:
        return arguments.client, checked_id(arguments.request), ()
    if arguments.client is None:
        raise UsageError("name a client, or give --request ID or --answer (see subject why --help)")
    return arguments.client, None, ()


async def look(reader: Reader, settings: Settings, client: str | None) -> Snapshot:
    """A look, with all that stands in the windows of `client`.

    Raises:
        UsageError: no node knows it.
    """

    def wanted(policies: Policies) -> Iterable[str]:
        return () if client is None else (check_known(client, policies),)

    return take(await reader.look_twice_if_needed(wanted), settings.node_down_seconds)


async def _refusal(snapshot: Snapshot, settings: Settings, request_id: str) -> Refusal | None:
    addresses = {node.entry.admin_address for node in snapshot.up} | set(settings.admin_addresses)
    return await state_endpoint.ask_for_refusal(addresses, request_id, settings.timeout_seconds)


def _show_policies(arguments: argparse.Namespace, snapshot: Snapshot, policies: Sequence[str]) -> int:
    lines = [line for name in policies for line in explained(snapshot, name)]
    lines.append(
        "Whose request it was, a body does not say: paste its head too (curl -i), or name the client"
    )
    if arguments.json:
        print_json({"at": snapshot.at, "client": None, "policies": list(policies), "notes": lines})
    else:
        for line in lines:
            print_line(f"{line}.")
    return shown(blind=not snapshot.sees, redis_connected=snapshot.redis.connected)


async def answered(
    reader: Reader, settings: Settings, snapshot: Snapshot, client: str
) -> tuple[Why, Sequence[AuditRecord] | None]:
    """Why `client` is refused, by a look at it, and its latest changes; None where Redis is away.

    Raises:
        RedisAwayError: Redis has gone since.
        RedisRefusesError: it answers with an error.
    """
    answer = why(snapshot, client)
    if not snapshot.redis.connected:
        return answer, None
    async with reading(reader.redis):
        audit = await read_audit(reader.redis, snapshot.at, client, CHANGES_SECONDS)
    if answer.run is not None:
        seen_seconds = settings.baseline_seconds
        async with reading(reader.redis):
            whole = await whole_run(reader.redis, client, answer.run, snapshot.at, seen_seconds)
        answer = replace(answer, run=whole)
    return answer, audit.records[-CHANGES:]


async def _show(
    arguments: argparse.Namespace,
    reader: Reader,
    settings: Settings,
    snapshot: Snapshot,
    client: str,
    refusal: Refusal | None,
) -> int:
    answer, changes = await answered(reader, settings, snapshot, client)
    if arguments.json:
        print_json(why_document(snapshot, answer, changes, refusal))
    else:
        if refusal is not None:
            print_line(_told(refusal, snapshot.at))
        from subject.output.why_report import WhyReport  # what draws tables takes a while to import

        WhyReport.of_terminal().why(answer, changes)
    return shown(blind=not snapshot.sees, redis_connected=snapshot.redis.connected)


def _told(refusal: Refusal, now: float) -> str:
    """The one request that was asked about."""
    reasons = [
        f"{each.name} ({each.limit}) had no room, for {each.retry_after_seconds:,.1f} s to come"
        for each in refusal.by
    ]
    if refusal.concurrency is not None:
        reasons.append(f"{refusal.concurrency:,} of its requests were in flight at the node")
    cost = "" if refusal.cost == 1 else f", which counts as {refusal.cost:,},"
    return f"The request{cost} was refused at {moment(refusal.at, now)}: {' and '.join(reasons)}."
