"""The corpus says what it means, and enough of it."""

from collections import Counter

from tests.corpus.case import End
from tests.corpus.corpus import CASES, FAMILIES


def test_there_are_at_least_300_messages_that_differ() -> None:
    assert len({case.sent for case in CASES}) == len(CASES) >= 300


def test_every_case_and_every_family_has_a_name_of_its_own() -> None:
    names = Counter([*(case.name for case in CASES), *(family.name for family in FAMILIES)])

    assert [name for name, times in names.items() if times > 1] == []


def test_every_family_says_where_it_comes_from() -> None:
    assert [
        family.name for family in FAMILIES if "RFC" not in family.source and "20" not in family.source
    ] == []


def test_a_case_has_a_status_just_where_the_node_answers_itself() -> None:
    own = (End.ANSWERED, End.REFUSED, End.BROKEN)

    assert [case.name for case in CASES if (case.status is not None) != (case.end in own)] == []
    assert [case.name for case in CASES if case.end is End.SERVED and not case.forwarded] == []
