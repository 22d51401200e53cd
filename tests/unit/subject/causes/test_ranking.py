import pytest

from subject.causes.cause import SOME, STRONG, Clue, Fact, Suspect, either, ranked


def test_what_speaks_for_a_cause_makes_it_the_first() -> None:
    first, second = ranked([Suspect("one"), Suspect("other", (Clue("seen", STRONG),))])

    assert (first.text, first.speaks_for, first.speaks_against) == ("other", ("seen",), ())
    assert first.confidence == pytest.approx(4 / 5.5, abs=0.01)
    assert second.confidence < first.confidence


def test_what_speaks_against_it_makes_it_the_last_and_is_told() -> None:
    last = ranked([Suspect("one", (Clue("seen", 1 / SOME),)), Suspect("other")])[-1]

    assert (last.text, last.speaks_for, last.speaks_against) == ("one", (), ("seen",))


def test_with_nothing_known_the_usual_one_is_the_first_and_none_is_sure() -> None:
    causes = ranked([Suspect("rare", usual=0.5), Suspect("usual")])

    assert [cause.text for cause in causes] == ["usual", "rare"]
    assert sum(cause.confidence for cause in causes) < 1


def test_a_number_speaks_by_its_side_of_the_bound_and_one_that_is_not_known_not_at_all() -> None:
    assert Fact("lag", 30).above(25) == Clue("lag", SOME)
    assert Fact("lag", 30).below(25) == Clue("lag", 1 / SOME)
    assert Fact("", None).above(25).times == Fact("", None).below(25).times == 1


def test_of_two_texts_the_true_one_speaks_and_an_empty_one_says_nothing() -> None:
    assert either(True, "yes", "no") == Clue("yes", SOME)
    assert either(False, "yes", "no") == Clue("no", 1 / SOME)
    assert either(False, "yes", "").times == 1
