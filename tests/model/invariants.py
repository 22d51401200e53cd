"""What must hold of every record. Each check yields sentences, which begin with the invariant's name."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain

from tests.model import refusals, worst_case
from tests.model.books import POSTED, Admission, Books, Entry, keep
from tests.model.oracle import admissible
from tests.model.reckoning import MOST_FIELDS, length_of, oldest_that_may_count, width
from tests.model.record import By, Record
from tests.model.scenario import LOSSES, SILENT, Fault
from tests.model.world import MICROSECONDS

_BACK_WITHIN = 1 * MICROSECONDS
SILENCE = 1 * MICROSECONDS
"""After so long without an answer a connection is given up."""
_LATENESS = 15_000  # µs that a decision may be late beside its deadline, where its node did not stand still
_LEAST_RATIO = 0.95


def breaches(record: Record) -> list[str]:
    """All that does not hold, in sentences."""
    books = keep(record)
    return list(
        chain(
            (f"failure: {each}" for each in record.failures),
            books.breaches,
            never_more_than_the_limit(books),
            no_unit_is_lost(record, books),
            nothing_that_counts_is_taken_away(record, books),
            no_count_stays_below_zero(record),
            nobody_waits(record),
            memory_is_bounded(record),
            refusals.without_reason(record),
            worst_case.of_local_decisions(record, books),
            redis_decides_when_it_can(record),
            little_is_given_away(record),
        )
    )


def never_more_than_the_limit(books: Books) -> Iterator[str]:
    """Promise 1, by the time at which Redis executed the command that counted: no window holds more than N.

    Where limits changed: whoever was admitted under a limit had no more than that in the window that ends
    with it. Admissions by one HINCRBY have no order; the most lenient is by limit.

    After a loss of counts, refunds for those that are lost may take off as much as stood there: no more.
    """
    for key, admissions in books.admissions.items():
        length = length_of(key)
        admissions.sort(key=lambda each: (each.place, each.quota))
        first, units = 0, 0
        for last in admissions:
            units += last.cost
            while _is_outside(admissions[first], last, length):
                units -= admissions[first].cost
                first += 1
            if units > last.quota + books.taken_off[key, last.epoch]:
                yield (
                    f"more than the limit: {units} of {key} in the window that ends at {last.at}, "
                    f"limit {last.quota}, node {last.outcome.node}"
                )


def _is_outside(earlier: Admission, last: Admission, length: int) -> bool:
    return earlier.epoch != last.epoch or earlier.at <= last.at - length


def no_unit_is_lost(record: Record, books: Books) -> Iterator[str]:
    """Of what was asked for over a connection, all is admitted, given back, or kept by a request that passed.

    What a connection takes with it when it ends may stay counted, and so may what is about to leave.
    """
    kept: Counter[tuple[int, str]] = Counter()
    posted: Counter[tuple[int, str]] = Counter()
    unclear: set[tuple[int, str]] = set()
    for (number, key, name), entry in books.entries.items():
        link = record.links[number]
        stays = entry.asked - entry.given_back - entry.admitted
        if stays < 0:
            yield f"lost a unit: {-stays} of {key} {name} were admitted and given back, connection {number}"
        posted[link.node, key] += entry.posted
        if _may_stay(record, link.lost_at, entry, length_of(key)):
            unclear.add((link.node, key))
        else:
            kept[link.node, key] += stays
    least, most = _passed_without_redis(record)
    for node, key in sorted({*kept, *most}):
        stays, let_through = kept[node, key], most[node, key]
        told = f"{stays} units of {key} stay and {posted[node, key]} are posted by node {node}, which let "
        told += f"{let_through} pass by itself"
        if stays > let_through:
            yield f"never given back: {told}"
        if not _connections_were_lost(record):
            if stays + posted[node, key] > let_through:
                yield f"posted twice: {told}"
            counted = stays + posted[node, key]
            if _is_short_of_nothing(record) and (node, key) not in unclear and counted < least[node, key]:
                yield f"never posted: {told}"


def _passed_without_redis(record: Record) -> tuple[Counter[tuple[int, str]], Counter[tuple[int, str]]]:
    """Units by node and key: those that must be counted, and those that may be (a full shadow lets by)."""
    least: Counter[tuple[int, str]] = Counter()
    most: Counter[tuple[int, str]] = Counter()
    for outcome in record.outcomes:
        if outcome.by is By.OPEN or (outcome.by is By.NODE and outcome.passed):
            for hit in outcome.hits:
                most[outcome.node, hit.key] += hit.cost
        if outcome.by is By.NODE and outcome.passed:
            for hit, status in zip(outcome.hits, outcome.statuses, strict=True):
                least[outcome.node, hit.key] += hit.cost * status.admitted
    return least, most


def _connections_were_lost(record: Record) -> bool:
    return not all(link.is_whole for link in record.links)


def _is_short_of_nothing(record: Record) -> bool:
    """Whether Redis was there again long before what was admitted without it had left."""
    return record.scenario.on_failure == "local" and not record.scenario.happenings


def _may_stay(record: Record, lost_at: int | None, entry: Entry, length: int) -> bool:
    """Whether nobody could give these back: connection or server failed, or they were about to leave."""
    if any(each.fault in (Fault.REFUSE, *LOSSES) for each in record.scenario.happenings):
        return True
    if lost_at is not None and entry.last_at > lost_at - 3 * MICROSECONDS:
        return True
    if entry.age is None:
        return True
    # After messages that took so long a node takes Redis' time to be as much later than it is, for a moment.
    return entry.age + entry.lateness > length - 4 * width(length)


def nothing_that_counts_is_taken_away(record: Record, books: Books) -> Iterator[str]:
    """Neither deletion nor expiry takes what a decision may still count, and no such count is negative.

    It may be where Redis has lost counts before.

    A batch that is cut off between HINCRBY and PEXPIRE may lose its units to the expiry: nobody had them.
    """
    admitted = {(key, name) for (_, key, name), entry in books.entries.items() if entry.admitted}
    for entry in record.log:
        command = entry.command[0]
        if command == b"HDEL":
            key = entry.command[1].decode()
            for number in map(int, entry.command[2:]):
                if number >= oldest_that_may_count(entry.at, length_of(key)):
                    yield f"deleted what counts: {key} {number} at {entry.at}"
        elif command == b"HINCRBY" and entry.command[2] != POSTED and entry.reply[:2] == b":-":
            if entry.epoch:
                continue
            key, number = entry.command[1].decode(), int(entry.command[2])
            if number >= oldest_that_may_count(entry.at, length_of(key)):
                yield f"negative: {key} {number} is {int(entry.reply[1:])}"
    for at_ms, raw, fields in record.expired:
        key = raw.decode()
        oldest = oldest_that_may_count(at_ms * 1000, length_of(key))
        for name, units in fields.items():
            if name != POSTED and int(units) > 0 and int(name) >= oldest and (key, int(name)) in admitted:
                yield f"expired though it counts: {key} {int(name)} at {at_ms} ms"


def no_count_stays_below_zero(record: Record) -> Iterator[str]:
    """Where nothing else went wrong, what refunds of lost counts have taken off is there again."""
    if all(each.fault in LOSSES for each in record.scenario.happenings) and not _connections_were_lost(
        record
    ):
        for count in record.below_zero:
            yield f"stays below zero: {count}"


def nobody_waits(record: Record) -> Iterator[str]:
    """Every request is answered by its deadline, but for the time in which its node stood still."""
    deadline = int(record.scenario.deadline_seconds * MICROSECONDS)
    for outcome in record.outcomes:
        if outcome.by is By.NOBODY:
            yield f"left waiting: {outcome}"
        elif (
            outcome.by is not By.KILLED
            and outcome.ended - outcome.began > deadline + outcome.stood_still + _LATENESS
        ):
            yield f"decided late: after {outcome.ended - outcome.began} µs: {outcome}"
    for task in record.tasks_left:
        yield f"task left: {task}"


def memory_is_bounded(record: Record) -> Iterator[str]:
    """A hash has at most B+6 fields, and a node that rests holds nothing of what was under way."""
    if record.most_fields > MOST_FIELDS:
        yield f"too many fields: {record.most_fields}"
    for what in record.kept:
        yield f"kept: {what}"


def redis_decides_when_it_can(record: Record) -> Iterator[str]:
    """A second after the last trouble every decision is Redis' again, and where there is none, each one is.

    That a connection has died without a word is only known after a while.
    """
    since = record.healed_at + _BACK_WITHIN if not record.scenario.is_calm else 0
    if any(happening.fault in SILENT for happening in record.scenario.happenings):
        since += SILENCE
    for outcome in record.outcomes:
        if outcome.by in (By.NODE, By.OPEN, By.CLOSED) and outcome.began > since:
            yield f"decided without Redis, which is there: {outcome}"


def little_is_given_away(record: Record) -> Iterator[str]:
    """In the family made for it, at least 0.95 of what a log of timestamps would admit is admitted."""
    if record.scenario.family != "long":
        return
    asked = [outcome for outcome in record.outcomes if outcome.by is By.STORE]
    admitted = sum(outcome.passed for outcome in asked)
    possible = admissible([outcome.began for outcome in asked], asked[0].hits[0].limit)
    if admitted < _LEAST_RATIO * possible:
        yield f"given away: {admitted} admitted of {possible} that could be"
