"""What Redis' log says was counted and given back, connection by connection, and who stands behind it."""

from collections import Counter
from dataclasses import dataclass, field

from gateway.contract import window
from tests.model.reckoning import began, length_of
from tests.model.record import By, Outcome, Record
from tests.model.redis import Executed

POSTED = window.BACKFILLED.encode()
_READS = (b"HGETALL", b"HMGET")


@dataclass(slots=True)
class Entry:
    """Units that a node put into one field over one connection for those who asked, and what became of it."""

    asked: int = 0
    given_back: int = 0
    posted: int = 0
    admitted: int = 0
    last_at: int = 0  # world µs
    lateness: int = 0  # µs of Redis' clock by which one of them was executed after its sub-interval began
    age: int | None = 0  # the same for when the node was told of it; None where it never was


@dataclass(frozen=True, slots=True)
class Admission:
    """`cost` units that Redis admitted, by the HINCRBY at position `place` of its log."""

    place: int
    name: int
    at: int
    epoch: int
    cost: int
    quota: int
    outcome: Outcome


@dataclass(slots=True)
class Books:
    """Of a record: entries by (link, key, field), and admissions by key."""

    entries: dict[tuple[int, str, int], Entry] = field(default_factory=dict)
    admissions: dict[str, list[Admission]] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)
    taken_off: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Of what stood in a key after so many losses: the units that refunds for lost counts took off."""


def increments(entry: Executed) -> int:
    """What a command added to a sub-interval; 0 where it is no HINCRBY for one, or was refused."""
    if entry.command[0] != b"HINCRBY" or entry.command[2] == POSTED or entry.reply[:1] != b":":
        return 0
    return int(entry.command[3])


def keep(record: Record) -> Books:
    """Read the log and the outcomes."""
    books = Books()
    places = {id(entry): place for place, entry in enumerate(record.log)}
    for number, link in enumerate(record.links):
        for position, entry in enumerate(link.executed):
            units = increments(entry)
            if not units:
                continue
            key, name = entry.command[1].decode(), int(entry.command[2])
            account = books.entries.setdefault((number, key, name), Entry())
            if units < 0:
                account.given_back -= units
                if account.given_back > account.asked:
                    books.breaches.append(
                        f"given back what is not there: {-units} of {key} {name} over connection {number}, "
                        f"where {account.asked} were asked for and {account.given_back} given back"
                    )
            elif _is_question(link.executed, position):
                account.asked += units
                account.last_at = entry.tick
                lateness = entry.at - began(name, length_of(key))
                account.lateness = max(account.lateness, lateness)
                told_at = link.told_at(position)
                if told_at is None or account.age is None:
                    account.age = None
                else:
                    account.age = max(account.age, lateness + told_at - entry.tick)
            elif _is_posting(link.executed, position):
                account.posted += units
    for outcome in record.outcomes:
        if outcome.by is By.STORE and outcome.passed:
            _enter(record, books, places, outcome)
    for number in range(len(record.links)):
        _find_late_refunds(record, books, number)
    return books


def _find_late_refunds(record: Record, books: Books, number: int) -> None:
    """Refunds over one connection that are for more than was asked for, and not admitted, since the loss."""
    admitted: Counter[tuple[str, int, int]] = Counter()
    for key, admissions in books.admissions.items():
        for each in admissions:
            if each.outcome.link == number:
                admitted[key, each.name, each.epoch] += each.cost
    pending: Counter[tuple[str, int, int]] = Counter()
    executed = record.links[number].executed
    for position, entry in enumerate(executed):
        units = increments(entry)
        if not units or not entry.epoch:
            continue
        field_ = entry.command[1].decode(), int(entry.command[2]), entry.epoch
        if units > 0:
            pending[field_] += units if _is_question(executed, position) else 0
            continue
        late = min(-units, max(0, -units - (pending[field_] - admitted[field_])))
        pending[field_] = max(0, pending[field_] + units)
        stood = max(0, int(entry.reply[1:]) - units)
        books.taken_off[field_[0], entry.epoch] += min(late, stood)


def _is_question(executed: list[Executed], position: int) -> bool:
    """Whether an increment is for those who ask: they read the window after it."""
    following = executed[position + 1] if position + 1 < len(executed) else None
    return (
        following is not None
        and following.command[0] in _READS
        and following.command[1] == executed[position].command[1]
    )


def _is_posting(executed: list[Executed], position: int) -> bool:
    """Whether it is for requests that a node has let through by itself; else it undoes a refund."""
    following = executed[position + 1] if position + 1 < len(executed) else None
    return following is not None and following.command[2:3] == (POSTED,)


def _enter(record: Record, books: Books, places: dict[int, int], outcome: Outcome) -> None:
    for hit, status in zip(outcome.hits, outcome.statuses, strict=True):
        if not status.admitted:
            continue
        found = _question(record, outcome, hit.key.encode())
        if found is None:
            books.breaches.append(f"admitted by Redis, which was not asked: {outcome}")
            continue
        account = books.entries[outcome.link, hit.key, int(found.command[2])]
        account.admitted += hit.cost
        if found.epoch and _may_be_of_before(record, outcome, found):
            continue  # replies of several batches came at once
        books.admissions.setdefault(hit.key, []).append(
            Admission(
                places[id(found)],
                int(found.command[2]),
                found.at,
                found.epoch,
                hit.cost,
                hit.limit.quota,
                outcome,
            )
        )


def _question(record: Record, outcome: Outcome, key: bytes) -> Executed | None:
    """The HINCRBY that carried it: the last one for its key among the replies that decided it."""
    executed = record.links[outcome.link].executed if outcome.link >= 0 else []
    for position in range(outcome.replies - 1, -1, -1):
        entry = executed[position]
        if entry.command[1:2] == (key,) and increments(entry) > 0 and _is_question(executed, position):
            return entry
    return None


def _may_be_of_before(record: Record, outcome: Outcome, found: Executed) -> bool:
    """Whether another HINCRBY since the request came may have carried it, from before a loss of counts."""
    return any(
        entry.epoch < found.epoch
        and entry.tick >= outcome.began
        and entry.command[1:2] == found.command[1:2]
        and increments(entry) > 0
        for entry in record.links[outcome.link].executed[: outcome.replies]
    )
