"""How what the audit tells can be undone. No IO."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gateway.contract.limits import LimitSyntaxError, parse_limits
from gateway.contract.records import AuditRecord

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Undo:
    """What brings back what was before: this limit, until then, or none of its own."""

    client: str
    limit: str | None
    until: float | None = None


def undo_of(records: Sequence[AuditRecord], place: int, at: float) -> Undo | None:
    """How the change at this place is undone at `at`; None where it is not the client's last, or is over."""
    done = records[place]
    if done.action not in ("set", "unset") or _ended(done.until, at):
        return None
    if any(
        later.client == done.client and later.action in ("set", "unset") for later in records[place + 1 :]
    ):
        return None
    if done.before is None or not _is_limit(done.before):
        return Undo(done.client, None) if done.action == "set" else None
    until = next((one.until for one in reversed(records[:place]) if _gave(one, done)), None)
    if not _ended(until, at):
        return Undo(done.client, done.before, until)
    return Undo(done.client, None) if done.action == "set" else None


def shown(records: Sequence[AuditRecord], at: float) -> list[dict[str, Any]]:
    """The newest first, each with its ``undo``."""
    found = []
    for place in range(len(records) - 1, max(-1, len(records) - 1 - SHOWN), -1):
        undo = undo_of(records, place, at)
        found.append({**asdict(records[place]), "undo": None if undo is None else asdict(undo)})
    return found


def _gave(earlier: AuditRecord, done: AuditRecord) -> bool:
    """Whether that is where what `done` replaced came from."""
    return (earlier.client, earlier.action, earlier.after) == (done.client, "set", done.before)


def _ended(until: float | None, at: float) -> bool:
    return until is not None and until <= at


def _is_limit(text: str) -> bool:
    try:
        parse_limits(text)
    except LimitSyntaxError:
        return False
    return True
