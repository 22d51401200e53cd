"""One node: what it last said of itself, what it did, and whether it is up."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.contract.records import FORGET_AFTER_SECONDS, RosterEntry, TelemetryRecord, Totals
from subject.cluster.present_time import place
from subject.cluster.samples import Sample
from subject.cluster.view import View

NodeState = Literal["Up", "Down", "Offline"]
COMPARED_DIGITS = 18
SamplesOf = Callable[[Sequence[TelemetryRecord]], tuple[Sample, ...]]


@dataclass(frozen=True, slots=True)
class Boot:
    """One start of a node, as far as its records are there.

    `began`: the first of all is among them. `in_order`: so was the end of the boot before it, or nothing is
    known of one.
    """

    id: str
    first_at: float
    last_at: float
    began: bool
    in_order: bool


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the roster.

    Down: it neither writes nor answers. Offline: it left in order. `answered` says whether it did when it
    was asked at /state; None: it was not asked.
    """

    id: str
    entry: RosterEntry
    state: NodeState
    last: TelemetryRecord
    samples: tuple[Sample, ...]
    boots: tuple[Boot, ...]  # in the order of their first records
    answered: bool | None

    @property
    def address(self) -> str:
        """Where clients reach it."""
        return self.entry.address

    @property
    def admin_url(self) -> str:
        """Where operators reach it."""
        return f"http://{self.entry.admin_address}"

    @property
    def totals(self) -> Totals:
        """Of all its boots."""
        return self.last.carried + self.last.boot

    @property
    def is_up(self) -> bool:
        """Whether it serves, as far as can be seen."""
        return self.state == "Up"


def node_of(
    node_id: str,
    entry: RosterEntry,
    records: list[TelemetryRecord],
    view: View,
    node_down_seconds: float,
    samples_of: SamplesOf,
) -> Node | None:
    """A node of the roster in a look; None where it left in order, and is forgotten by now."""
    last = _last(entry, records)
    # Where nobody answers, nothing is known to have changed since somebody last did.
    now = view.at if view.sees or view.seen_at is None else view.seen_at
    if last.leaving and now - last.at > FORGET_AFTER_SECONDS:
        return None
    answered = node_id in view.states if node_id in view.asked else None
    return Node(
        id=node_id,
        entry=entry,
        state=_state(last, answered, abs(now - last.at) <= node_down_seconds, view),
        last=last,
        samples=samples_of(records),
        boots=_boots(records),
        answered=answered,
    )


def _last(entry: RosterEntry, records: Iterable[TelemetryRecord]) -> TelemetryRecord:
    """What it said last, by the numbers of its boot in the roster: Redis' clock may be put back."""
    of_boot = (record for record in records if record.boot_id == entry.last.boot_id)
    return max((*of_boot, entry.last), key=place)


def _boots(records: Iterable[TelemetryRecord]) -> tuple[Boot, ...]:
    by_boot: dict[str, list[TelemetryRecord]] = {}
    for record in records:
        by_boot.setdefault(record.boot_id, []).append(record)
    in_time = sorted(by_boot.values(), key=lambda of_it: min(record.at for record in of_it))
    return tuple(
        Boot(
            of_it[0].boot_id,
            min(record.at for record in of_it),
            max(record.at for record in of_it),
            began=any(record.sequence == 1 for record in of_it),
            in_order=before is None or any(record.leaving for record in before),
        )
        for before, of_it in zip([None, *in_time], in_time, strict=False)
    )


def _state(last: TelemetryRecord, answered: bool | None, fresh: bool, view: View) -> NodeState:
    if last.leaving:
        return "Offline"
    silent = answered is False and not view.redis.connected and view.sees
    return "Up" if answered or (fresh and not silent) else "Down"


def told_by(nodes: Iterable[Node]) -> str:
    """What is wrong with Redis, as most of the nodes say that say anything; empty where none does."""
    told = {node.last.store.trouble: node.id for node in nodes if node.last.store.trouble}
    said = Counter(node.last.store.trouble for node in nodes if node.last.store.trouble)
    if not said:
        return ""
    ((trouble, _),) = said.most_common(1)
    return f"as {told[trouble]} says: {trouble}"


def natural(node_id: str) -> tuple[str, int, str]:
    """node-2 before node-10; of a longer number only the first digits are compared."""
    digits = node_id[len(node_id.rstrip("0123456789")) :]
    return node_id.removesuffix(digits), int(digits[:COMPARED_DIGITS] or 0), node_id
