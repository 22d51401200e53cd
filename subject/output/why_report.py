"""Why a client is refused, as a person reads it."""

from collections.abc import Sequence

from gateway.contract.limits import Limit
from gateway.contract.records import AuditRecord
from subject.cluster.snapshot import RATE_SECONDS
from subject.figures import moment, percent
from subject.output.console import Sheet, styled
from subject.output.policy_lines import limit_told
from subject.output.wording import UNKNOWN
from subject.why.answer import Why

STYLES = {
    "refused": "yellow",
    "lately": "yellow",
    "full": "yellow",
    "denied": "bold red",
    "unknown": "bold red",
}
NODES_LEGEND = f"Of the last {RATE_SECONDS:.0f} s. alone: decided without Redis, of all that the node decided"


class WhyReport(Sheet):
    """The answer first, then what it stands on."""

    def why(self, answer: Why, changes: Sequence[AuditRecord] | None) -> None:
        """All of it; `changes` is None where the audit could not be read."""
        self._print(styled((f"{answer.summary}{_how_long(answer)}.", STYLES.get(answer.verdict, "green"))))
        if answer.next_at is not None:
            wait = max(0.0, answer.next_at - answer.at)
            self._print(
                f"The next request passes at {moment(answer.next_at, answer.at)}, in {wait:,.1f} s, "
                "whatever it sends until then: what is refused is not counted."
            )
        self._windows(answer)
        self._origins(answer)
        self._nodes(answer)
        for note in answer.notes:
            self._print(f"{note}.")
        self._changes(answer, changes)

    def _windows(self, answer: Why) -> None:
        if not answer.windows:
            return
        self._print()
        table = self._table("window", "limit")
        for name in ("in window", "left", "room"):
            table.add_column(name, justify="right")
        for window in answer.windows:
            room = "now" if window.room_at is None else moment(window.room_at, answer.at)
            limit = Limit(window.limit, window.period_seconds)
            table.add_row(window.name, f"{limit}", f"{window.count:,}", f"{window.remaining:,}", room)
        self._print(table)

    def _origins(self, answer: Why) -> None:
        if not answer.origins:
            return
        self._print()
        self._print(f"Its limit: {limit_told(answer.policy)}")
        for origin in answer.origins:
            mark = "applies" if origin.applies else "would, without what stands above it"
            self._print(f"  {origin.limit}, {origin.where} ({mark})")

    def _nodes(self, answer: Why) -> None:
        if not answer.nodes:
            return
        self._print()
        table = self._table("node")
        for name in ("req/s", "refused/s", "alone"):
            table.add_column(name, justify="right")
        for node in answer.nodes:
            listed = bool(node.rate)
            table.add_row(
                node.node,
                f"{node.rate:,.1f}" if listed else UNKNOWN,
                f"{node.refused_rate:,.1f}" if listed else UNKNOWN,
                percent(node.alone_ratio),
            )
        self._print(table)
        self._print(NODES_LEGEND, style="dim")

    def _changes(self, answer: Why, changes: Sequence[AuditRecord] | None) -> None:
        self._print()
        if changes is None:
            self._print("Who has changed anything of it is not known: the audit stands in Redis.")
            return
        if not changes:
            self._print("Nobody has changed anything of it in the last day.")
            return
        self._print("Changed in the last day:")
        for record in changes:
            what = {"set": f"set to {record.after}", "unset": f"unset from {record.before}"}
            why = f": {record.why}" if record.why else ""
            done = what.get(record.action, record.action)
            self._print(f"  {moment(record.at, answer.at)} {done} by {record.by}{why}")


def _how_long(answer: Why) -> str:
    run = answer.run
    if run is None or answer.verdict not in ("refused", "lately"):
        return ""
    since = moment(run.since, answer.at) + ("" if run.is_whole else " or before")
    if answer.verdict == "refused":
        return f", {run.refused:,} times since {since}"
    return f": {run.refused:,} times since {since}, the last by {moment(run.until, answer.at)}"
