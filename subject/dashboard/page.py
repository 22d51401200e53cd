"""What the page shows, as one JSON document: the documents of the commands, and sentences. No IO."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from gateway.contract.records import AuditRecord
from subject.actions.revisions import revision
from subject.cluster.snapshot import Snapshot
from subject.dashboard.undo import shown
from subject.diagnosis.problems import Diagnosis, Problem
from subject.finding import Finding, as_json
from subject.output import documents
from subject.output.documents import Document
from subject.output.printable import printable
from subject.output.status_lines import status_lines, well
from subject.output.wording import told, why

CLIENTS = 20
"""So many of the busiest clients are listed."""
LIMITS = 100
"""So many of the live limits."""
UNREADABLE = 20
"""So many of what cannot be read is named."""


def page(snapshot: Snapshot, diagnosis: Diagnosis, audit: Sequence[AuditRecord]) -> Document:
    """All but the charts. Foreign texts in it are printable, so none draws a line or turns another around."""
    top = documents.top(snapshot)["clients"]
    live = sorted(snapshot.policies.overrides.limits)
    document = {
        "at": snapshot.at,
        "healthy": diagnosis.healthy,
        "blind": diagnosis.blind,
        "headline": _headline(snapshot, diagnosis),
        "problems": [_problem(problem) for problem in diagnosis.problems],
        "status": [[name, text] for name, text in status_lines(snapshot).items()],
        "nodes": documents.nodes(snapshot)["nodes"],
        "clients": None if top is None else [_client(snapshot, one) for one in top[:CLIENTS]],
        "limits": {**documents.limits(snapshot, live[:LIMITS]), "more": max(0, len(live) - LIMITS)},
        "limits_known": snapshot.redis.connected,
        "audit": [_done(snapshot, one) for one in shown(audit, snapshot.at)],
        "unanswered": list(snapshot.unanswered),
        "unreadable": _first(snapshot.unreadable),
    }
    cleaned: Document = _printable(document)
    return cleaned


def _first(names: Sequence[str]) -> list[str]:
    more = len(names) - UNREADABLE
    return [*names[:UNREADABLE], *([f"and {more:,} more"] if more > 0 else [])]


def _client(snapshot: Snapshot, client: Document) -> Document:
    """With the revision of its live limit: who changes that says which one was seen."""
    return {**client, "revision": revision(snapshot.policies.overrides.limits.get(client["id"]))}


def _done(snapshot: Snapshot, done: Document) -> Document:
    return {**done, "revision": revision(snapshot.policies.overrides.limits.get(done["client"]))}


def _headline(snapshot: Snapshot, diagnosis: Diagnosis) -> str:
    if diagnosis.healthy:
        return well(snapshot)
    number = len(diagnosis.problems)
    return (
        "One problem was found." if number == 1 else f"{number} problems were found, the most severe first."
    )


def _problem(problem: Problem) -> Document:
    return {
        **_finding(problem.finding),
        "severity": problem.severity,
        "causes": [{"text": cause.text, "why": why(cause, named=False)} for cause in problem.causes],
        "symptoms": [_finding(symptom) for symptom in problem.symptoms],
    }


def _finding(found: Finding) -> Document:
    """As JSON shows it, with its evidence as people read it, and a name that a link can hold."""
    return {
        **as_json(found),
        "name": f"{found.code}/{found.subject.kind}/{found.subject.id}",
        "evidence": [told(item) for item in found.evidence],
    }


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(str(name)): _printable(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(one) for one in value]
    # JSON as browsers read it has no infinity.
    return None if isinstance(value, float) and not isfinite(value) else value
