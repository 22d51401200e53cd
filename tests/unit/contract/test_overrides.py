import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.limits import parse_limits
from gateway.contract.overrides import (
    MAX_BY,
    MAX_TEXT,
    MAX_WHY,
    VERSION_FIELD,
    Announcement,
    Override,
    Overrides,
    parse_announcement,
    parse_overrides,
)
from gateway.contract.records import encode
from tests.contract.examples import OVERRIDE


def test_no_fields_are_no_overrides() -> None:
    assert parse_overrides({}) == Overrides()


def test_a_limit_and_a_generation_are_read_by_client() -> None:
    other = Override(parse_limits("5/s"), by="bot", at=1.5)
    fields = {
        "limit:acme": encode(OVERRIDE),
        "limit:k_0123456789abcdef": encode(other),
        "generation:acme": "3",
    }

    assert parse_overrides(fields) == Overrides({"acme": OVERRIDE, "k_0123456789abcdef": other}, {"acme": 3})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("limit:acme", "500/m"),
        ("limit:acme", '{"limit":"fast","by":"ana","at":1}'),
        ("limit:acme", '{"limit":"5/s","by":"ana"}'),
        ("limit:k_acme", encode(OVERRIDE)),
        ("limit:", encode(OVERRIDE)),
        ("limit", encode(OVERRIDE)),
        ("shadow:acme", "1"),
        ("generation:acme", ""),
        ("generation:acme", "-1"),
        ("generation:acme", "1.0"),
        ("generation:acme", " 1"),
        ("generation:acme", "1_0"),
        ("generation:acme", "٣"),
        ("generation:acme", "9" * 5000),
        ("generation:a b", "1"),
        ("", ""),
    ],
)
def test_a_malformed_field_is_listed_and_the_others_stand(name: str, text: str) -> None:
    fields = {name: text, "limit:beta": encode(OVERRIDE), "generation:beta": "1"}

    assert parse_overrides(fields) == Overrides({"beta": OVERRIDE}, {"beta": 1}, (name,))


def test_a_version_is_no_change_and_is_malformed_where_it_is_no_number() -> None:
    assert parse_overrides({"version": "17"}) == Overrides()
    assert parse_overrides({"version": "x"}) == Overrides(malformed=("version",))


def test_a_text_that_is_too_long_is_no_record() -> None:
    text = encode(OVERRIDE)

    assert parse_overrides({"limit:acme": text + " " * (MAX_TEXT - len(text))}).malformed == ()
    assert parse_overrides({"limit:acme": text + " " * (MAX_TEXT + 1 - len(text))}).malformed == (
        "limit:acme",
    )


EIGHT = parse_limits(",".join(f"1000000000/{8000000 + n}s" for n in range(8)))


def test_the_longest_texts_make_a_record_that_can_be_read() -> None:
    longest = Override(EIGHT, "\x01" * MAX_BY, 1e11, "\x01" * MAX_WHY, 1e11)

    assert parse_overrides({"limit:acme": encode(longest)}).limits == {"acme": longest}


def test_an_override_holds_until_its_end() -> None:
    ending = replace(OVERRIDE, until=100.0)

    assert [ending.holds(at) for at in (0.0, 99.9, 100.0)] == [True, True, False]
    assert replace(OVERRIDE, until=None).holds(1e12)


def test_what_is_in_force_changes_when_the_next_limit_ends() -> None:
    lasting, short, shorter = (replace(OVERRIDE, until=until) for until in (None, 100.0, 50.0))
    found = Overrides({"a": lasting, "b": short, "c": shorter}, {"c": 3}, ("x",))

    assert found.next_end == 50.0
    later = found.in_force(50.0)
    assert later == Overrides({"a": lasting, "b": short}, {"c": 3}, ("x",))
    assert later.next_end == 100.0
    assert later.in_force(100.0).next_end == math.inf


def test_an_announcement_is_read_as_it_was_written() -> None:
    assert parse_announcement(str(Announcement(17, "acme"))) == Announcement(17, "acme")


@given(st.text())
def test_any_message_can_be_read(text: str) -> None:
    announced = parse_announcement(text)

    assert announced is None or parse_announcement(str(announced)) == announced


kinds = st.sampled_from(["limit:acme", "generation:acme", "limit:a b", "generation", VERSION_FIELD, ""])


@given(st.dictionaries(kinds | st.text(), st.text() | st.integers().map(str)))
def test_any_hash_can_be_read(fields: dict[str, str]) -> None:
    overrides = parse_overrides(fields)

    read = [f"limit:{client}" for client in overrides.limits]
    read += [f"generation:{client}" for client in overrides.generations]
    left = sorted(fields.keys() - {*read, *overrides.malformed})
    assert left in ([], [VERSION_FIELD])
    assert sorted([*read, *overrides.malformed, *left]) == sorted(fields)
