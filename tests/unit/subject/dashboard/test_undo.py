import pytest

from gateway.contract.records import AuditRecord
from subject.dashboard.undo import SHOWN, Undo, shown, undo_of
from tests.unit.subject.builders import START


def done(
    action: str,
    client: str = "acme",
    before: str | None = None,
    after: str | None = None,
    until: float | None = None,
) -> AuditRecord:
    return AuditRecord(START, "ana", action, client, before, after, "a reason", until)


def undo(*records: AuditRecord, at: float = START + 1) -> Undo | None:
    """Of the last one."""
    return undo_of(records, len(records) - 1, at)


def test_a_first_limit_is_undone_by_taking_it_out() -> None:
    assert undo(done("set", after="5/s")) == Undo("acme", None)


def test_a_limit_that_replaced_another_is_undone_by_that() -> None:
    assert undo(done("set", before="9/s", after="5/s")) == Undo("acme", "9/s")


def test_one_that_was_taken_out_is_set_again() -> None:
    assert undo(done("unset", before="9/s")) == Undo("acme", "9/s")


def test_what_was_for_a_time_comes_back_for_what_is_left_of_it() -> None:
    first = done("set", after="9/s", until=START + 60)

    assert undo(first, done("unset", before="9/s")) == Undo("acme", "9/s", START + 60)


def test_what_would_have_ended_by_now_does_not_come_back() -> None:
    first = done("set", after="9/s", until=START + 60)

    assert undo(first, done("unset", before="9/s"), at=START + 61) is None
    assert undo(first, done("set", before="9/s", after="5/s"), at=START + 61) == Undo("acme", None)


@pytest.mark.parametrize("before", ["9/s (ended)", "unreadable"])
def test_what_did_nothing_does_not_come_back(before: str) -> None:
    assert undo(done("set", before=before, after="5/s")) == Undo("acme", None)
    assert undo(done("unset", before=before)) is None


def test_a_limit_that_has_ended_is_not_undone() -> None:
    assert undo(done("set", after="5/s", until=START + 60), at=START + 61) is None


def test_a_reset_is_not_undone() -> None:
    assert undo(done("reset", before="0", after="1")) is None


def test_only_the_last_change_of_a_client_is_undone() -> None:
    records = [
        done("set", after="5/s"),
        done("set", before="5/s", after="6/s"),
        done("set", "other", after="7/s"),
    ]

    assert undo_of(records, 0, START + 1) is None
    assert undo_of(records, 1, START + 1) == Undo("acme", "5/s")
    assert undo_of([*records, done("reset")], 1, START + 1) == Undo("acme", "5/s")


def test_the_newest_stands_first_and_not_all_are_shown() -> None:
    records = [done("set", f"client-{number}", after="5/s") for number in range(SHOWN + 5)]

    rows = shown(records, START + 1)

    assert [row["client"] for row in rows][:2] == [f"client-{SHOWN + 4}", f"client-{SHOWN + 3}"]
    assert len(rows) == SHOWN
    assert rows[0]["undo"] == {"client": f"client-{SHOWN + 4}", "limit": None, "until": None}
    assert shown([], START) == []
