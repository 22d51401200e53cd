"""The audit as people read it: who did what to whom, when, and why."""

from gateway.contract.records import AuditRecord
from subject.cluster.live_changes import Audit
from subject.figures import moment
from subject.output.console import Sheet
from subject.output.wording import UNKNOWN

SPARE = ("until", "by", "before", "action", "after")
NOTHING = "Nothing was changed, as far as the audit goes back."


class AuditReport(Sheet):
    """A table, the newest action last."""

    def audit(self, audit: Audit) -> None:
        """Each action in a line."""
        if audit.records:
            table = self._table("when", "by", "action", "of", "before", "after", "until", "why")
            for record in audit.records:
                table.add_row(*_cells(record, audit.at))
            self._print_table(table, SPARE, prose=("why",))
        else:
            self._print(NOTHING)
        if audit.unreadable:
            self._print(f"Unreadable in Redis, left out: {audit.unreadable} audit records", style="yellow")


def _cells(record: AuditRecord, now: float) -> tuple[str, ...]:
    return (
        moment(record.at, now),
        record.by,
        record.action,
        record.client if record.node is None else record.node,
        UNKNOWN if record.before is None else record.before,
        UNKNOWN if record.after is None else record.after,
        UNKNOWN if record.until is None else moment(record.until, now),
        record.why or "",
    )
