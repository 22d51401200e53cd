"""Which limits a client had live, by the audit and by what stands in Redis."""

from dataclasses import replace

from gateway.contract.limits import parse_limits
from gateway.contract.overrides import Override, Overrides
from gateway.contract.records import AuditRecord
from subject.cluster.live_limits import live_limits
from subject.cluster.policies import Policies


def did(
    action: str, at: float, before: str | None, after: str | None = None, until: float | None = None
) -> AuditRecord:
    return AuditRecord(at, "ann", action, "acme", before, after, "noisy", until)


def standing(limit: str, at: float, until: float | None = None) -> Override:
    return Override(parse_limits(limit), "ann", at, "noisy", until)


def told(*changes: AuditRecord, override: Override | None = None, ended: Override | None = None) -> list[str]:
    """Each since when, and what."""
    policies = Policies(
        overrides=Overrides({} if override is None else {"acme": override}),
        ended={} if ended is None else {"acme": ended},
        changes=changes,
    )
    return [f"{one.since:g} {one.limit}" for one in live_limits(policies, "acme")]


def test_who_was_never_given_a_limit_has_none_since_ever() -> None:
    assert told() == ["-inf None"]
    assert told(replace(did("set", 5, None, "9/m"), client="other")) == ["-inf None"]
    assert told(did("reset", 5, "0", "1")) == ["-inf None"]


def test_what_was_set_and_taken_back_follows_one_on_the_other() -> None:
    changes = (did("set", 10, None, "9/m"), did("set", 20, "9/m", "8/m"), did("unset", 30, "8/m"))

    assert told(*changes) == ["-inf None", "10 9/m", "20 8/m", "30 None"]
    assert told(did("unset", 30, "8/m")) == ["-inf 8/m", "30 None"]


def test_what_came_to_its_end_by_itself_is_over_then_and_not_when_it_is_taken_out() -> None:
    given = did("set", 10, None, "9/m", until=20)

    assert told(given, ended=standing("9/m", 10, 20)) == ["-inf None", "10 9/m", "20 None"]
    assert told(given, did("unset", 30, "9/m (ended)")) == ["-inf None", "10 9/m", "20 None"]
    assert told(did("unset", 30, "9/m (ended)")) == ["-inf None"]
    assert told(did("set", 30, "9/m (ended)", "8/m"), override=standing("8/m", 30)) == ["-inf None", "30 8/m"]


def test_what_no_audit_tells_of_is_known_as_far_as_it_stands() -> None:
    assert told(override=standing("9/m", 10)) == ["10 9/m"]
    assert told(ended=standing("9/m", 10, 20)) == ["10 9/m", "20 None"]
    assert told(did("set", 5, None, "7/m"), override=standing("9/m", 10)) == ["-inf None", "5 7/m", "10 9/m"]


def test_of_what_somebody_took_out_without_the_audit_nothing_is_said_to_have_been_in_force() -> None:
    assert told(did("set", 10, None, "9/m")) == []


def test_a_record_that_says_no_limit_says_nothing() -> None:
    assert told(did("set", 10, "unreadable", "9/m"), override=standing("9/m", 10)) == ["10 9/m"]
    assert told(did("set", 10, None, "\x1b[2J")) == ["-inf None"]


def test_a_change_is_told_in_words() -> None:
    changes = (did("set", 10, None, "9/m", until=20),)
    policies = Policies(ended={"acme": standing("9/m", 10, 20)}, changes=changes)
    taken = Policies(changes=(did("unset", 30, "8/m"),))

    assert [one.told for one in live_limits(policies, "acme")[1:]] == [
        "ann gave it 9/m (noisy)",
        "its live limit of 9/m came to its end",
    ]
    assert live_limits(taken, "acme")[1].told == "ann took its live limit of 8/m back (noisy)"


def test_what_could_not_be_read_is_told_to_be_taken_back_without_saying_what_it_was() -> None:
    (taken,) = live_limits(Policies(changes=(did("unset", 30, "unreadable"),)), "acme")

    assert taken.told == "ann took its live limit back (noisy)"
