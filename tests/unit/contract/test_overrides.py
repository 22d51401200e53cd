import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.codec import encode
from gateway.contract.limits import Limit
from gateway.contract.overrides import Override, Overrides, parse_overrides
from tests.contract.examples import OVERRIDE


def test_no_fields_are_no_overrides() -> None:
    assert parse_overrides({}) == Overrides()


def test_a_limit_and_a_generation_are_read_by_client() -> None:
    other = Override(Limit(5, 1), by="bot", at=1.5)
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


kinds = st.sampled_from(["limit:acme", "generation:acme", "limit:a b", "generation", ""])


@given(st.dictionaries(kinds | st.text(), st.text() | st.integers().map(str)))
def test_any_hash_can_be_read(fields: dict[str, str]) -> None:
    overrides = parse_overrides(fields)

    read = [f"limit:{client}" for client in overrides.limits]
    read += [f"generation:{client}" for client in overrides.generations]
    assert sorted([*read, *overrides.malformed]) == sorted(fields)
